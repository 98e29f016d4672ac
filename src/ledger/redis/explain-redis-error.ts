import { AccessError } from "../../access/access-error.ts";

interface Cause {
  readonly pattern: RegExp;
  /** The kinds of address to which it applies; absent: all. */
  readonly at?: RegExp;
  readonly what: (place: string) => string;
  readonly remedy: string;
}

/** Recognised by the words of Redis, Sentinel or TLS. */
const causes: readonly Cause[] = [
  {
    pattern: /sentinel.*\b(WRONGPASS|NOAUTH|NOPERM)/,
    what: (place) => `The Sentinels of ${place} refuse the user or the password`,
    remedy: "Check REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD, and the rights that docs/operating.md lists.",
  },
  {
    pattern: /No such master|invalid reply: null/,
    what: (place) => `The Sentinels know no master with the name in ${place}`,
    remedy: "Correct the name at the end of REDIS_URL.",
  },
  {
    pattern: /^(WRONGPASS|NOAUTH)|invalid (username-)?password/,
    what: (place) => `Redis at ${place} refuses the user or the password`,
    remedy: "Check them in REDIS_URL, or REDIS_USERNAME and REDIS_PASSWORD.",
  },
  {
    pattern: /^NOPERM/,
    what: (place) => `The Redis user lacks rights at ${place}`,
    remedy: "Give it the rights that docs/operating.md lists.",
  },
  {
    // From a server that requires client certificates, and got none or an untrusted one.
    pattern: /alert (certificate required|bad certificate|unknown ca|certificate unknown|handshake failure)/i,
    what: (place) => `Redis at ${place} requires a client certificate that it trusts`,
    remedy: "Set REDIS_CERT_FILE and REDIS_KEY_FILE to one that its authority (tls-ca-cert-file) has signed.",
  },
  {
    // With TLS 1.3 a client without a certificate is already connected when the server refuses it.
    pattern: /ECONNRESET|EPIPE|socket disconnected/,
    at: /^rediss/,
    what: (place) => `Redis at ${place} closed the connection`,
    remedy: "If it requires client certificates, set REDIS_CERT_FILE and REDIS_KEY_FILE.",
  },
  {
    pattern: /certificate|altnames/i,
    what: (place) => `The certificate of Redis at ${place} is not trusted`,
    remedy: "Set REDIS_CA_FILE to the certificate of the authority that signed it, and use the host that it names.",
  },
];

/**
 * Translates a failed connection. The errors of ioredis go no further: they have the failed command with its arguments, and those of
 * AUTH and HELLO are the password. @param place where, without user and password @param errors of this connection, the newest last;
 * the first one with a known remedy counts
 */
export function unreachable(place: string, errors: readonly unknown[]): AccessError {
  const reasons = errors.map(reasonOf);
  for (const reason of reasons) {
    const known = causes.find(({ pattern, at = /^/ }) => pattern.test(reason) && at.test(place));
    if (known) {
      const options = { cause: new Error(reason), remedy: known.remedy };
      return new AccessError("ledger-refused", known.what(place), options);
    }
  }
  const cause = new Error(reasons.at(-1));
  return new AccessError("ledger-unreachable", `No answer from Redis at ${place}`, { cause });
}

/** A Redis Cluster says that all nodes failed, and in `lastNodeError` why the last one did. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { lastNodeError } = error as { lastNodeError?: unknown };
  return lastNodeError instanceof Error ? lastNodeError.message : error.message;
}

/** A port on Redis that fails only with AccessErrors `ledger-unreachable`. @param what a clause */
export function explained<Port extends object>(port: Port, what: string): Port {
  const calls = Object.entries(port as Record<string, (...given: unknown[]) => Promise<unknown>>);
  const guarded = calls.map(([name, call]) => {
    const explain = async (...given: unknown[]) => {
      try {
        return await call(...given);
      } catch (cause) {
        throw new AccessError("ledger-unreachable", what, { cause });
      }
    };
    return [name, explain];
  });
  return Object.fromEntries(guarded) as Port;
}
