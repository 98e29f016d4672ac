import type { Trouble } from "../../src/access/lease/lease-record.ts";
import { at, minutes } from "./times.ts";

/** Something that failed once and is tried again. */
export function aTrouble(change: Partial<Trouble> = {}): Trouble {
  return {
    code: "cluster-unreachable",
    message: "The API server of staging did not answer. Check the network path.",
    at: at(minutes(1)).toISOString(),
    attempts: 1,
    retryAt: at(minutes(2)).toISOString(),
    causes: [],
    ...change,
  };
}
