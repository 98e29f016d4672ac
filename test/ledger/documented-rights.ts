import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { asAdministrator } from "./a-ledger-on.ts";

/** The documented rules themselves, so that the test runs what operators copy. */
const operating = readFileSync(fileURLToPath(new URL("../../docs/operating.md", import.meta.url)), "utf8");

export const serverRights = found(/^user eks-access on >\S+ (.+)$/m);
export const moreClusterRights = found(/In a Redis Cluster add `([^`]+)`/);
export const sentinelRights = found(/user of the Sentinels needs\s+`([^`]+)`/);

function found(pattern: RegExp): string {
  const [, rights = ""] = pattern.exec(operating) ?? [];
  if (rights === "") throw new Error(`docs/operating.md has nothing like ${pattern}`);
  return rights;
}

/** Each kind of call that a server has refused to its users. */
export function refusalsOf(administrator: string): Promise<readonly string[]> {
  return asAdministrator(administrator, async (redis) => {
    const entries = (await redis.call("ACL", "LOG")) as readonly (readonly unknown[])[];
    return entries.map((entry) => `${entry[3]} ${entry[7]}`);
  });
}
