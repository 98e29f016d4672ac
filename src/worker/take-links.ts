import type { Logger } from "pino";
import { AccessError, explainFailure } from "../access/access-error.ts";
import { broken, type Finding, type Link, type LinkName } from "../diagnosis/link.ts";

export interface LinkTaker {
  readonly links: readonly Link[];
  /** The value; undefined: it failed, and the link says why. */
  take: <T>(name: LinkName, ask: () => T | Promise<T>, describe: (value: T) => Finding) => Promise<T | undefined>;
}

/** A failure becomes a broken link, never an error, so that earlier results stay. */
export function linkTaker(log: Logger): LinkTaker {
  const links: Link[] = [];
  return {
    links,
    take: async (name, ask, describe) => {
      const start = performance.now();
      const ms = () => Math.round(performance.now() - start);
      try {
        const value = await ask();
        links.push({ name, ms: ms(), ...describe(value) });
        return value;
      } catch (error) {
        log.warn({ link: name, err: error }, "a step from a person to their pods failed");
        links.push({ name, ms: ms(), ...findingOf(error) });
        return undefined;
      }
    },
  };
}

function findingOf(error: unknown): Finding {
  if (error instanceof AccessError) return broken(error.what, error.remedy);
  return broken(explainFailure(error).replace(/\..*$/, ""), "The worker's log has the details.");
}
