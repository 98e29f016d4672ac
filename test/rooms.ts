/**
 * The folders of src, from the ones that know nothing of others to the ones that know most. The architecture test holds the code
 * to this list, and the picture in docs/architecture.md is made from it.
 */
export interface Room {
  readonly name: string;
  readonly holds: string;
  /** Rooms above it in the list that it imports. */
  readonly imports: readonly string[];
  /** Pure: values in, values out. Besides rooms it imports node:crypto and these packages alone. */
  readonly pure?: readonly string[];
  /** Other rooms import its index.ts, and nothing else of it. */
  readonly hasEntryPoint?: true;
}

export const rooms: readonly Room[] = [
  {
    name: "access",
    holds:
      "the domain: principals, requests, approvals, leases, policy, proof, audit, failures, and every decision about them",
    imports: [],
    pure: ["re2js", "zod"],
  },
  {
    name: "aws-auth",
    holds: "the engine of the document: parse, resolve, plan, render, repair",
    imports: ["access"],
    pure: ["diff", "js-yaml"],
    hasEntryPoint: true,
  },
  {
    name: "access-entry",
    holds: "the same engine for access entries of EKS: what is ours in their tags, and the calls in their order",
    imports: ["access"],
    pure: ["zod"],
    hasEntryPoint: true,
  },
  {
    name: "diagnosis",
    holds: "why a person can't sign in, what check reports, and what a migration to access entries would change",
    imports: ["aws-auth", "access", "access-entry"],
    pure: ["zod"],
  },
  {
    name: "operations",
    holds: "log, health, metrics, tracing, deadlines, parallel work and bounds",
    imports: ["access"],
  },
  {
    name: "ledger",
    holds: "requests, migrations, links, turns, the audit log and the queues: ports, and their implementation on Redis",
    imports: ["access", "diagnosis", "operations"],
  },
  {
    name: "config",
    holds: "the environment and eks-access.yml, read into one configuration with every problem at once",
    imports: ["access", "operations", "ledger"],
  },
  {
    name: "aws",
    holds: "one call to AWS a file: STS, EKS, CloudTrail, Identity Center, and the token of a cluster",
    imports: ["access", "access-entry", "diagnosis", "operations"],
  },
  {
    name: "kubernetes",
    holds: "the client of one cluster: the ConfigMap, reviews, role bindings",
    imports: ["aws-auth", "access", "operations"],
  },
  {
    name: "worker",
    holds: "what a worker does with a cluster: reconcile, preview, proof, questions, migration, rescue, the sweep",
    imports: ["aws-auth", "access", "access-entry", "diagnosis", "operations", "ledger", "config", "aws", "kubernetes"],
  },
  {
    name: "slack",
    holds: "one folder a use case: its commands, clicks, forms and messages side by side",
    imports: ["access", "diagnosis", "operations", "ledger", "config"],
  },
  {
    name: "bin",
    holds: "the commands of eks-access; it wires, and decides nothing",
    imports: ["aws-auth", "access", "diagnosis", "operations", "ledger", "config", "aws", "worker", "slack"],
  },
];

/** The rooms as a picture, with what they hold: each is above all that it imports. */
export function roomsPicture(): string {
  const floorOf = (name: string): number => {
    const imports = rooms.find((room) => room.name === name)?.imports ?? [];
    return 1 + Math.max(0, ...imports.map(floorOf));
  };
  const floors = Math.max(...rooms.map(({ name }) => floorOf(name)));
  const rows = Array.from({ length: floors }, (_, index) =>
    rooms.filter(({ name }) => floorOf(name) === floors - index),
  );
  const width = Math.max(...rooms.map(({ name }) => name.length));
  const lineOf = ({ name, holds }: Room) => `[ ${name.padEnd(width)} ]  ${holds}`;
  return rows.map((row) => row.map(lineOf).join("\n")).join("\n       │\n");
}
