import { AccessError } from "../failure/access-error.ts";

interface Cause {
  readonly pattern: RegExp;
  readonly what: (place: string) => string;
  readonly mend: string;
}

/** Known by what Redis, Sentinel or TLS says. The first that fits is told. */
const causes: readonly Cause[] = [
  {
    pattern: /^(WRONGPASS|NOAUTH)|invalid (username-)?password/,
    what: (place) => `Redis at ${place} refuses the user or the password`,
    mend: "Check them in REDIS_URL, or REDIS_USERNAME and REDIS_PASSWORD.",
  },
  {
    pattern: /^NOPERM/,
    what: (place) => `The Redis user lacks rights at ${place}`,
    mend: "Give it the rights that docs/operating.md lists.",
  },
  {
    pattern: /certificate|altnames/i,
    what: (place) => `The certificate of Redis at ${place} is not trusted`,
    mend: "Set REDIS_CA_FILE to the certificate of the authority that signed it, and use the host that it names.",
  },
  {
    pattern: /invalid reply: null/,
    what: (place) => `The Sentinels know no master of the name in ${place}`,
    mend: "Correct the name at the end of REDIS_URL.",
  },
];

/**
 * Makes a failed connection ours. The error of ioredis does not go on: it carries the command that failed with its
 * arguments, and those of AUTH and HELLO are the password.
 * @param place where, without user and password
 */
export function unreachable(place: string, error: unknown): AccessError {
  const reason = reasonOf(error);
  const known = causes.find(({ pattern }) => pattern.test(reason));
  const cause = new Error(reason);
  return known
    ? new AccessError("ledger-unreachable", known.what(place), { cause, mend: known.mend })
    : new AccessError("ledger-unreachable", `There is no answer from Redis at ${place}`, { cause });
}

/** A Redis Cluster says that all nodes failed, and in `lastNodeError` why the last one did. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { lastNodeError } = error as { lastNodeError?: unknown };
  return lastNodeError instanceof Error ? lastNodeError.message : error.message;
}
