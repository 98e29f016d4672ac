import type { KnownIdentity } from "../../kubernetes/connection.ts";
import type { ClusterLedger } from "../../ledger/ledger.ts";

/** Where it outlives the process. */
export type LetInLedger = Pick<ClusterLedger, "letIn" | "rememberLetIn">;

/** The ledger needs no more to explain a 401. Milliseconds. */
const writtenEveryMs = 3_600_000;

/** By API server and identity: as many as there are creators. */
const seen = new Map<string, { readonly at: Date; readonly writtenAt: number }>();

/** An identity of which is remembered when an API server let it in. That explains a 401 and gives nothing, so a failure is ignored. */
export function explainableIdentity(endpoint: string, arn: string, ledger: LetInLedger | undefined): KnownIdentity {
  const place = `${endpoint} ${arn}`;
  return {
    arn,
    lastLetIn: async () => seen.get(place)?.at ?? (await ledger?.letIn(place).catch(() => null)) ?? null,
    noteLetIn: async () => {
      const at = new Date();
      const { writtenAt = 0 } = seen.get(place) ?? {};
      const isWritten = at.getTime() - writtenAt < writtenEveryMs;
      seen.set(place, { at, writtenAt: isWritten ? writtenAt : at.getTime() });
      if (!isWritten) await ledger?.rememberLetIn(place, at).catch(() => undefined);
    },
  };
}
