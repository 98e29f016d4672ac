/** Everything of src/access-entry that other rooms can import; test/architecture.test.ts allows nothing else. */
export {
  type AccessEntry,
  arrivesUntil,
  fitsTags,
  identityOfEntry,
  lateCallMs,
  type NewEntry,
  planMs,
  readHoldingTags,
  type TagReading,
  writeHoldingTags,
} from "./entry-tags.ts";
export {
  type EntryCall,
  type EntrySituation,
  isAsPlanned,
  isWithoutOurTags,
  planEntry,
  refuseEntry,
  reservedName,
  unionOf,
} from "./plan-entry.ts";
