/** All of src/access-entry that the rest of the product uses; test/architecture.test.ts lets nothing else in. */

export type { AccessEntry, NewEntry } from "./entry.ts";
export { fitsTags, readHoldingTags, type TagReading, writeHoldingTags } from "./entry-tags.ts";
export { identityOfEntry } from "./identity.ts";
export { arrivesUntil, planMs } from "./late-call.ts";
export { type EntryCall, type EntrySituation, isAsPlanned, planEntry } from "./plan-entry.ts";
export { refuseEntry } from "./refuse-entry.ts";
export { readWithdrawalTags, roomForWithdrawals, withdrawalTagChanges } from "./withdrawal-tags.ts";
