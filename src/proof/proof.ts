import type { MappedIdentity } from "../request/request.ts";

/** One thing that was verified after a write. "Not tested" says why, and is never read as a yes. */
export type Finding =
  | { readonly result: "yes"; readonly detail: string }
  | { readonly result: "no"; readonly detail: string }
  | { readonly result: "not tested"; readonly detail: string };

/** What was verified of a grant, each finding apart, and when (ISO 8601). */
export interface Proof {
  readonly at: string;
  /** The document read back after the write gives the principal its groups. */
  readonly mapped: Finding;
  /** The API server says that this username with these groups may do what the level names. */
  readonly authorized: Finding;
  /** As whom the API server was asked for `authorized`; null: as nobody. */
  readonly reviewedAs: MappedIdentity | null;
  /** The principal itself signed in and listed pods. */
  readonly signedIn: Finding;
  /** Under which ids the API server's audit log has the questions that `authorized` is of; absent in what an older version wrote. */
  readonly auditIds?: readonly string[];
}

/** The three findings with the words that people read. */
export function findingsOf(proof: Proof): readonly { name: string; finding: Finding }[] {
  return [
    { name: "mapped", finding: proof.mapped },
    { name: "authorized", finding: proof.authorized },
    { name: "signed in", finding: proof.signedIn },
  ];
}
