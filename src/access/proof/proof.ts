import type { Proof, ProofFinding } from "../request/record.ts";

/** The three findings with the words that people read. */
export function findingsOf(proof: Proof): readonly { name: string; finding: ProofFinding }[] {
  return [
    { name: "mapped", finding: proof.mapped },
    { name: "authorized", finding: proof.authorized },
    { name: "signed in", finding: proof.signedIn },
  ];
}
