export { assemble, foldCalls } from "./assemble.ts";
export { explainCall, type Explanation, type Rung } from "./explain.ts";
export { foldEvent, hasChannels, isOpen, newFold, type CallFold } from "./fold.ts";
export { compareEvents, isChannelId, isSiteMarker, linkKeys } from "./keys.ts";
export { clockTime } from "./facts/moment.ts";
export { renderLadder } from "./ladder.ts";
export { inOrder } from "./recovered/order.ts";
export { isRecoveredRow } from "./recovered/row.ts";
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
