/** The client's times and sizes; milliseconds unless a name says otherwise. */

export interface Settings {
  // In a direct chat delivered and read fold into one receipt for this moment.
  readonly receiptDelay: number;
  // Rule 4: the time between two receipts in a chat grows with its members, up to so many.
  readonly receiptPerMember: number;
  readonly receiptMembers: number;
  readonly receiptLargeGroup: number; // with more members, twice that time
  readonly receiptSenders: number; // the most that a receipt may name
  // Receipts that notify no sender (own messages, voids) are batched.
  readonly quietReceiptDelay: number;
  // Posts of neighbouring messages overtake each other; most gaps close in this time.
  readonly gapGrace: number;
  // A gap may be an own message whose `accepted` is still under way.
  readonly ownGapGrace: number;
  readonly syncTimeout: number;
  readonly syncChats: number; // the most a frame may name
  readonly syncBackoff: number;
  readonly syncBackoffCap: number;
  readonly syncJitter: readonly [number, number]; // times the server's `retry_after`
  // A handler runs for at most 6 s, so no response comes after that.
  readonly resendAfter: number;
  readonly resendCap: number;
  readonly retryAfterError: number;
  readonly pingBetween: readonly [number, number];
  readonly pongTimeout: number;
  readonly reconnectBetween: readonly [number, number];
  readonly reconnectBase: number;
  readonly reconnectCap: number;
  // The server keeps a presence subscription for 5 minutes.
  readonly watchInterval: number;
  readonly typingInterval: number;
  // Before each request for a message that can't be read: the copy or the key may come by itself.
  readonly askAfter: readonly number[];
  // What could not be fetched is asked for again after this, doubling.
  readonly fetchRetry: number;
  readonly fetchRetryCap: number;
  // A device had no key to claim: it may be about to upload some. Doubling, up to the 10 minutes in
  // which a limit gains one.
  readonly claimAgain: number;
  readonly claimAgainCap: number;
  // One-time keys in the directory: with fewer than the first they are filled up to the second.
  readonly keysLow: number;
  readonly keysWanted: number;
}

/** Keeps the protocol's rules; tests may pass shorter times and fewer keys. */
export const DEFAULTS: Settings = {
  receiptDelay: 50,
  receiptPerMember: 100,
  receiptMembers: 50,
  receiptLargeGroup: 256,
  receiptSenders: 256,
  quietReceiptDelay: 30_000,
  gapGrace: 150,
  ownGapGrace: 500,
  syncTimeout: 20_000,
  syncChats: 100,
  syncBackoff: 1_000,
  syncBackoffCap: 60_000,
  syncJitter: [1, 1.25],
  resendAfter: 8_000,
  resendCap: 120_000,
  retryAfterError: 1_000,
  pingBetween: [240_000, 300_000],
  pongTimeout: 10_000,
  reconnectBetween: [3_600_000, 6_600_000],
  reconnectBase: 1_000,
  reconnectCap: 60_000,
  watchInterval: 240_000,
  typingInterval: 3_000,
  askAfter: [3_000, 60_000, 3_600_000],
  fetchRetry: 1_000,
  fetchRetryCap: 60_000,
  claimAgain: 5_000,
  claimAgainCap: 600_000,
  keysLow: 20,
  keysWanted: 50,
};
