import { type Asked, isTheirs } from "../../access/record.ts";
import { isSealedLink, sealLink } from "../../access/seals.ts";
import type { SlackContext } from "./context.ts";

// A workspace that joins an Enterprise organization gives its people another id. Their records and links keep the older one.

/** Whether this person asked, or gets the access. */
export async function isOfPerson({ directory }: Pick<SlackContext, "directory">, asked: Asked, user: string) {
  return isTheirs(asked, user) || isTheirs(asked, user, await directory.idsOf(user).catch(() => []));
}

/** The id that counts. The links of older ids become its own; one that it has in the same account stays. @throws AccessError */
export async function currentIdOf(context: SlackContext, user: string): Promise<string> {
  const { directory, ledger, keys, log } = context;
  const id = await directory.idOf(user);
  const older = (await directory.idsOf(user)).filter((each) => each !== id);
  try {
    for (const each of older) {
      for (const { arn, seal } of (await ledger.linksOf(each)).filter((link) =>
        isSealedLink(each, link, keys.decision),
      )) {
        if (!seal) continue;
        // A link that the person made must not look as if another person confirmed it.
        const by = seal.by !== null && [each, ...older].includes(seal.by) ? id : seal.by;
        await ledger.linkPrincipal(id, { arn, seal: sealLink(id, arn, { by, at: seal.at }, keys.decision) });
      }
    }
  } catch (error) {
    log.warn({ err: error, user: id }, "could not read the links of an older id");
  }
  return id;
}
