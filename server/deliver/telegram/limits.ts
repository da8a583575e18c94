/** Bounds of a card's text: with all of them reached it stays below the 4096 characters of a message. */
export const CARD_LIMITS = {
  nameCharsMax: 40,
  extensionsMax: 12,
  transfersMax: 4,
  recordingsMax: 3,
} as const;
