import { describe } from "vitest";
import { ledgerContract } from "./contract.ts";
import { memoryLedger } from "./memory-ledger.ts";

describe("the ledger in memory", () => {
  ledgerContract(async () => ({ ledger: memoryLedger(), close: async () => {} }));
});
