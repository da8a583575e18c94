import { foldEvent, inOrder, isOpen, isSiteMarker, linkKeys, newFold, readCall } from "../assemble/index.ts";

/** The part of assembly the writer uses; a test may hand in one that fails. */
export interface Assembler {
  linkKeys: typeof linkKeys;
  isSiteMarker: typeof isSiteMarker;
  newFold: typeof newFold;
  foldEvent: typeof foldEvent;
  inOrder: typeof inOrder;
  isOpen: typeof isOpen;
  readCall: typeof readCall;
}

export const assembler: Assembler = { linkKeys, isSiteMarker, newFold, inOrder, foldEvent, isOpen, readCall };
