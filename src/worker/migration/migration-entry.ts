import { setTimeout as wait } from "node:timers/promises";
import { AccessError } from "../../access/failure/access-error.ts";
import type { AccessEntry } from "../../access-entry/index.ts";
import type { AccessEntries } from "../../aws/access-entries.ts";
import { CLUSTER_ADMIN, isAsWanted, type WantedEntry } from "../../diagnosis/migration/facts.ts";
import { asStanding, migrationTag } from "./gather-migration.ts";

const looks = 6;

/**
 * Makes the access entry of a principal, or makes one whole that a run of before began, and reads it back until it is what was
 * wanted. It says that it is whole when `markWhole` was called. Where an administrator's policy can't be associated the entry goes again: the item in aws-auth counts then, as before.
 *
 * @param token the same for each try
 * @throws AccessError
 */
export async function giveEntry(
  entries: AccessEntries,
  wanted: WantedEntry,
  token: string,
  pause: (ms: number) => Promise<unknown> = wait,
): Promise<AccessEntry> {
  const { principalArn, username, groups, isAdmin } = wanted;
  let found = await entries.describe(principalArn);
  if (found && asStanding(found).migrated !== "begun") throw othersEntry(principalArn);
  // A username can't be changed by us: what an earlier plan began is made anew.
  if (found && found.username !== username) {
    await entries.remove(principalArn);
    found = null;
  }
  if (!found) await entries.create({ principalArn, username, groups, tags: { [migrationTag]: "begun" }, token });
  else await entries.setGroups(principalArn, groups);
  if (isAdmin) {
    await entries.associate(principalArn, { name: CLUSTER_ADMIN, namespaces: null }).catch(async (error: unknown) => {
      await entries.remove(principalArn);
      throw error;
    });
  }
  return await readBack(entries, wanted, pause);
}

async function readBack(
  entries: AccessEntries,
  wanted: WantedEntry,
  pause: (ms: number) => Promise<unknown>,
): Promise<AccessEntry> {
  for (let look = 0; look < looks; look += 1) {
    if (look > 0) await pause(200 * 2 ** look);
    const entry = await entries.describe(wanted.principalArn);
    if (!entry || !isAsWanted(asStanding(entry), wanted)) continue;
    return entry;
  }
  throw new AccessError(
    "access-entry-conflict",
    `The access entry of ${wanted.principalArn} is not what was wanted when it is read back`,
    { mend: "Nothing was taken out of aws-auth. Look at the entry, then run it again." },
  );
}

/** Says in the entry's tags that it was proved: from then on it is not in the steps any more. @throws AccessError */
export function markWhole(entries: AccessEntries, entry: AccessEntry): Promise<void> {
  return entries.tag(entry, { [migrationTag]: "whole" });
}

/**
 * Takes an entry away again that was begun and is not whole: the item in aws-auth counts then, as before.
 *
 * @returns whether it is whole, and stays
 * @throws AccessError
 */
export async function takeBackBegun(entries: AccessEntries, principalArn: string): Promise<boolean> {
  const found = await entries.describe(principalArn);
  const { migrated = null } = found ? asStanding(found) : {};
  if (migrated === "begun") await entries.remove(principalArn);
  return migrated === "whole";
}

function othersEntry(principalArn: string): AccessError {
  return new AccessError("access-entry-conflict", `Somebody made an access entry for ${principalArn} meanwhile`, {
    mend: "Plan again: the plan that was approved is not of this entry.",
  });
}
