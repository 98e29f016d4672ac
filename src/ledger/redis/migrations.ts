import { buildListsScript } from "./build-lists.ts";
import { countRecordsScript } from "./count-records.ts";
import type { Migration } from "./schema.ts";

/**
 * The ledger's schemas, oldest first: a change of what src/redis/ledger.ts keeps, or of how, is one more at the end. What was
 * released is never edited.
 */
export const migrations: readonly Migration[] = [
  // What was written before versions were counted is as version 1 has it.
  { name: "the first one that is counted", script: "" },
  { name: "lists of a cluster's and a person's requests, and the log of each request", script: buildListsScript },
  { name: "how many requests there are in each state, and of each cluster", script: countRecordsScript },
];
