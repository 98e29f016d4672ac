import { afterEach, beforeEach } from "vitest";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { commitContract } from "./commit-contract.ts";
import { indexContract } from "./index-contract.ts";
import { linkContract } from "./link-contract.ts";
import { memoryContract } from "./memory-contract.ts";
import { moveContract } from "./move-contract.ts";

export interface OpenLedger {
  readonly ledger: Ledger;
  /** Leaves nothing behind. */
  close: () => Promise<void>;
}

/** What every implementation of src/ledger/ledger.ts must do. `make` gives an empty one. */
export function ledgerContract(make: () => Promise<OpenLedger>): void {
  let open: OpenLedger;

  beforeEach(async () => {
    open = await make();
  });

  afterEach(() => open.close());

  commitContract(() => open.ledger);
  indexContract(() => open.ledger);
  linkContract(() => open.ledger);
  memoryContract(() => open.ledger);
  moveContract(() => open.ledger);
}
