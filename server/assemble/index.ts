export { assemble, foldCalls } from "./assemble.ts";
export { foldEvent, isOpen, newFold, type CallFold } from "./fold.ts";
export { compareEvents, isChannelId, isSiteMarker, linkKeys } from "./keys.ts";
export { readCall } from "./read.ts";
export {
  CALL_EVENTS_MAX,
  type AssembledCall,
  type CallEvent,
  type Directory,
  type Participant,
  type ProofRange,
  type Step,
  type StepKey,
} from "./types.ts";
