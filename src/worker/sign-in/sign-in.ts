import { setTimeout as wait } from "node:timers/promises";
import { AccessError, type FailureCode } from "../../access/failure/access-error.ts";
import { judgeSignIn, type PodsToList, type SignInSeen } from "../../access/proof/sign-in.ts";
import type { MappedIdentity, ProofFinding } from "../../access/request/record.ts";
import type { ClusterClient } from "../../kubernetes/cluster-client.ts";
import type { SessionIdentity } from "./identity-of-session.ts";

/**
 * How long it waits before each further try, in milliseconds. The authenticator reads aws-auth anew within about a second; an
 * access entry takes effect within some (EKS User Guide, "Create access entries").
 */
const waitsMs = [250, 500, 1_000, 2_000, 3_000, 4_000, 5_000];

/** What signing in takes. */
export interface SignIn {
  /** As whom, by what the cluster goes by at this moment; it may change while it is tried. @throws AccessError */
  readonly expected: () => Promise<SessionIdentity>;
  readonly pods: PodsToList;
  /** A client with a token of the principal that no other attempt has. @throws AccessError */
  readonly connect: (attempt: number) => Promise<ClusterClient>;
  /** When it was read back that the principal is mapped, in milliseconds since the epoch. */
  readonly mappedAt: number;
}

/**
 * Signs in as the principal until the API server knows it as whom it should be, a bounded number of times, each time with a new
 * token: an API server remembers what it said about one, a refusal too (kubernetes, apiserver, cached_token_authenticator).
 *
 * @throws what kept the last try from an answer: nothing says yes or no then
 */
export async function signIn(
  { expected, pods, connect, mappedAt }: SignIn,
  { now, pause = wait }: { readonly now: () => Date; readonly pause?: (ms: number) => Promise<unknown> },
): Promise<ProofFinding> {
  for (let attempt = 0; ; attempt += 1) {
    const { identity, place } = await expected();
    if (!identity) return { result: "not tested", detail: `it is nobody in ${place} any more` };
    const seen = await lookAround(() => connect(attempt), pods);
    const waitMs = waitsMs[attempt];
    if (seen.type === "no answer") {
      if (waitMs === undefined) throw seen.error;
    } else {
      const { finding, isFinal } = judgeSignIn({ identity, place, pods }, seen, now().getTime() - mappedAt);
      if (isFinal || waitMs === undefined) return finding;
    }
    await pause(waitMs);
  }
}

/** Nothing that says yes or no. */
interface NoAnswer {
  readonly type: "no answer";
  readonly error: unknown;
}

/** Who the API server says that we are, and whether it lets us list pods. */
async function lookAround(connect: () => Promise<ClusterClient>, pods: PodsToList): Promise<SignInSeen | NoAnswer> {
  let client: ClusterClient | undefined;
  try {
    client = await connect();
    const as = await whoAmI(client);
    return { type: "in", as, pods: await listPods(client, pods) };
  } catch (error) {
    if (hasCode(error, "cluster-unauthorized")) return { type: "refused" };
    return { type: "no answer", error };
  } finally {
    client?.close();
  }
}

/** Null: it does not say, because it is older than the question or lets nobody ask it. */
async function whoAmI(client: ClusterClient): Promise<MappedIdentity | null> {
  try {
    return await client.whoAmI();
  } catch (error) {
    if (hasCode(error, "cluster-forbidden")) return null;
    throw error;
  }
}

/** A refusal comes after the authentication: who is refused has signed in. */
async function listPods(client: ClusterClient, { namespace }: PodsToList): Promise<"listed" | "forbidden"> {
  try {
    await client.listPods(namespace, 1);
    return "listed";
  } catch (error) {
    if (hasCode(error, "cluster-forbidden")) return "forbidden";
    throw error;
  }
}

function hasCode(error: unknown, code: FailureCode): boolean {
  return error instanceof AccessError && error.code === code;
}
