import { afterEach, beforeEach } from "vitest";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { clusterContract } from "./cluster-contract.ts";
import { commitContract } from "./commit-contract.ts";
import { eventContract } from "./event-contract.ts";
import { fleetContract } from "./fleet-contract.ts";
import { indexContract } from "./index-contract.ts";
import { linkContract } from "./link-contract.ts";
import { messageContract } from "./message-contract.ts";
import { migrationContract } from "./migration-contract.ts";
import { removalContract } from "./removal-contract.ts";
import { turnContract } from "./turn-contract.ts";

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
  messageContract(() => open.ledger);
  eventContract(() => open.ledger);
  turnContract(() => open.ledger);
  clusterContract(() => open.ledger);
  fleetContract(() => open.ledger);
  migrationContract(() => open.ledger);
  removalContract(() => open.ledger);
}
