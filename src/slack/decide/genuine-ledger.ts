import { type Migration, nextMigration, type PendingMigration } from "../../access/migration.ts";
import type { AccessRequest, PendingRequest } from "../../access/record.ts";
import { unpreviewedRequest } from "../../access/request.ts";
import type { Json } from "../../access/seal.ts";
import { isGenuinePlan, isGenuinePreview, withoutForgedReview } from "../../access/seals.ts";
import type { Config } from "../../config/config.ts";
import type { Ledger, MigrationLedger } from "../../ledger/ledger.ts";
import { eventOf, type RecordContext, recordChange } from "../../ledger/lifecycle.ts";
import type { MessageLedger } from "../../ledger/messages.ts";
import { wakeLater } from "../../ledger/queues.ts";
import type { ShownMessages } from "../../ledger/stored.ts";
import { rememberingSeals } from "../../operations/bounds.ts";
import type { SlackContext } from "../app/context.ts";

interface GenuineContext extends RecordContext<Ledger>, Pick<SlackContext, "keys" | "now"> {
  readonly configuration: () => Pick<Config, "clusters">;
}

/** A worker with another configuration or key makes previews that this process rejects. It asks again only this often. */
const lookAgainEveryMs = 60_000;

/** Then it shows the record again: it can get the key or eks-access.yml later than the worker. */
async function takesTurn({ ledger, queues }: GenuineContext, record: string): Promise<boolean> {
  const isMine = await ledger.takeTurn(`look-again-${record}`, lookAgainEveryMs);
  if (isMine) await wakeLater(queues, { type: "show", record }, lookAgainEveryMs * 1.1);
  return isMine;
}

/**
 * The ledger as the Slack process reads it. A preview counts only if the worker's seal and the record's digest prove
 * that the worker saw it (law 3). Without one there are no buttons and no decisions, and the worker looks again. A
 * review without a seal does not count either. It verifies each good seal once: an Ed25519 signature takes as long as
 * hundreds of HMACs.
 */
export function genuineLedger(given: GenuineContext): Ledger {
  const { ledger } = given;
  const context = { ...given, keys: { ...given.keys, preview: rememberingSeals(given.keys.preview) } };
  const genuine = <Stored extends AccessRequest>(stored: Stored): Stored => {
    const request = withoutForgedReview(stored, context.keys.decision, context.now());
    return isDoubtful(context, request) ? { ...request, preview: null } : request;
  };
  return {
    ...ledger,
    migrations: genuineMigrations(context),
    ...genuineMessages(context),
    get: async (id) => {
      const request = await ledger.get(id);
      if (request?.state === "pending" && isDoubtful(context, request)) return lookAgain(context, request);
      return request && genuine(request);
    },
    leasedOf: async (cluster) => (await ledger.leasedOf(cluster)).map(genuine),
    extensionsOf: async (id) => (await ledger.extensionsOf(id)).map(genuine),
    duePendingOf: async (...given) => (await ledger.duePendingOf(...given)).map(genuine),
    ofRequester: async (user, limit) => (await ledger.ofRequester(user, limit)).map(genuine),
    list: async (of, offset, limit) => {
      const page = await ledger.list(of, offset, limit);
      return { ...page, requests: page.requests.map(genuine) };
    },
  };
}

function isDoubtful({ configuration, keys }: GenuineContext, request: AccessRequest): boolean {
  const cluster = configuration().clusters.get(request.cluster);
  const isShown = request.state === "pending" && request.preview !== null;
  return isShown && cluster !== undefined && !isGenuinePreview(request, cluster, keys.preview);
}

/** Drops approvals of another change too. */
async function lookAgain(context: GenuineContext, request: PendingRequest): Promise<AccessRequest> {
  const cleared = { preview: null, approvals: [], reminders: null };
  if (!(await takesTurn(context, request.id))) return { ...request, ...cleared };
  context.log.error({ request: request.id }, "the preview is not what the worker saw, or the policy changed since");
  const now = context.now();
  const after = unpreviewedRequest(request);
  const detail = { digest: request.preview?.digest ?? "" };
  const event = eventOf("preview.refused", request, "slack", now, detail);
  const result = await recordChange(context, request, after, event, now);
  return result.type === "committed" ? after : { ...request, ...cleared };
}

/** The places of messages. By a forged one the bot would overwrite an alert, an anchor or another person's message. */
function genuineMessages({ ledger, keys, log }: GenuineContext): Pick<MessageLedger, "shown" | "markShown"> {
  const sealed = (id: string, { seal: _, ...shown }: ShownMessages) => ({ record: id, ...shown }) as unknown as Json;
  return {
    shown: async (id) => {
      const shown = await ledger.shown(id);
      if (!shown || keys.decision.isSealed("messages", sealed(id, shown), shown.seal)) return shown;
      log.error({ request: id }, "the place of its messages in Redis has no seal of ours: it gets new ones");
      return null;
    },
    markShown: (id, shown) =>
      ledger.markShown(id, { ...shown, seal: keys.decision.seal("messages", sealed(id, shown)) }),
  };
}

/** The same for the plans of migrations. */
function genuineMigrations(context: GenuineContext): MigrationLedger {
  const { migrations } = context.ledger;
  const genuine = <Found extends Migration | null>(migration: Found) =>
    isDoubtfulPlan(context, migration) ? { ...migration, ...withoutPlan } : migration;
  return {
    ...migrations,
    get: async (id) => {
      const migration = await migrations.get(id);
      return isDoubtfulPlan(context, migration) ? planAgain(context, migration) : migration;
    },
    latestOf: async (cluster) => genuine(await migrations.latestOf(cluster)),
    open: async () => (await migrations.open()).map(genuine),
  };
}

/** Drops approvals of another plan too. */
const withoutPlan = { plan: null, reminders: null, approvals: [] } as const;

function isDoubtfulPlan({ keys }: GenuineContext, migration: Migration | null): migration is PendingMigration {
  return migration?.state === "pending" && migration.plan !== null && !isGenuinePlan(migration, keys.preview);
}

async function planAgain(context: GenuineContext, migration: PendingMigration): Promise<PendingMigration> {
  if (!(await takesTurn(context, migration.id))) return { ...migration, ...withoutPlan };
  context.log.error({ request: migration.id }, "the plan of a migration is not what the worker made");
  const now = context.now();
  const after = nextMigration(migration, withoutPlan);
  const detail = { why: "the plan is not what the worker made", approvers: migration.approvals.map(({ by }) => by) };
  const event = eventOf("migration.void", after, "slack", now, detail);
  const result = await recordChange(context, migration, after, event, now);
  return result.type === "committed" ? after : { ...migration, ...withoutPlan };
}
