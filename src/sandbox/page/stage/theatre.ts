import type { Program } from "../../product-process.ts";
import type { SandboxOptions } from "../../sandbox.ts";
import { cloudTroubles } from "./cloud-troubles.ts";
import { crashes } from "./crashes.ts";
import { type DocumentWatch, watchDocument } from "./document-watch.ts";
import { humanTroubles } from "./human-troubles.ts";
import { intruder } from "./intruder.ts";
import { type KubectlWatch, watchKubectl } from "./kubectl-watch.ts";
import { type LedgerWatch, watchLedger } from "./ledger-watch.ts";
import { rememberSeen, type Seen } from "./page-state.ts";
import { type Stage, startStage } from "./stage.ts";
import type { Trouble } from "./troubles.ts";

/** The stage, and all that the page watches of it. */
export interface Theatre {
  readonly stage: Stage;
  readonly document: DocumentWatch;
  readonly kubectl: KubectlWatch;
  readonly ledger: LedgerWatch;
  readonly troubles: readonly Trouble[];
  readonly seen: Seen;
  stop: () => Promise<void>;
}

/** @throws Error where something of it does not start */
export async function startTheatre(program: Program, options: SandboxOptions = {}): Promise<Theatre> {
  const stage = await startStage(program, options);
  const { sandbox, redis, changes } = stage;
  const document = watchDocument(sandbox.cluster, changes.announce);
  const kubectl = watchKubectl(sandbox, changes.announce);
  const ledger = await watchLedger(redis.url, changes.announce);
  const stopLooking = lookAfterChanges(stage, ledger);
  void kubectl.run().catch(() => {});
  return {
    stage,
    document,
    kubectl,
    ledger,
    troubles: [
      ...humanTroubles(stage, document),
      ...cloudTroubles(stage, document),
      ...crashes(stage),
      ...intruder(ledger),
    ],
    seen: rememberSeen(sandbox.slack),
    stop: async () => {
      stopLooking();
      await ledger.close();
      await stage.stop();
    },
  };
}

/** Redis tells nobody what the product writes: it is read after what can be seen, and each second. */
function lookAfterChanges({ changes }: Stage, ledger: LedgerWatch): () => void {
  let soon: NodeJS.Timeout | undefined;
  const look = () => void ledger.look();
  const stopListening = changes.onChange(() => {
    soon ??= setTimeout(() => {
      soon = undefined;
      look();
    }, 100);
  });
  const each = setInterval(look, 1_000);
  return () => {
    stopListening();
    clearTimeout(soon);
    clearInterval(each);
  };
}
