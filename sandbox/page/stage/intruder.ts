import type { LedgerWatch } from "./ledger-watch.ts";
import { deed, type Trouble } from "./troubles.ts";

/** What somebody does who got into Redis. */
export function intruder(ledger: LedgerWatch): readonly Trouble[] {
  return [
    deed(
      {
        id: "audit",
        title: "Tamper with the audit trail",
        explains: "An intruder deletes an event in Redis. The chain tells which one is missing, from now on.",
        does: "Delete an event",
        undoes: "",
      },
      ledger.tamper,
      () => (ledger.events().length < 2 ? "There are no events to delete yet." : undefined),
    ),
  ];
}
