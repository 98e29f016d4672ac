import { explainFailure } from "../access/access-error.ts";
import { isMigration } from "../access/lists.ts";
import type { Migration } from "../access/migration.ts";
import { hasNoWorker, type Zone, zonesOf } from "../access/policy/cluster.ts";
import type { ApprovedRequest } from "../access/record.ts";
import { type KeyKind, keysIn, olderKeys, type Verifier } from "../access/seal.ts";
import { isNews, noticeTurn, storedNotice } from "../access/shared-lists.ts";
import { keyRemedy } from "../diagnosis/cluster-links.ts";
import { broken, counted, type Finding, found, notAsked } from "../diagnosis/link.ts";
import { redisAuditLog } from "../ledger/audit-log.ts";
import { connectRedis, type RedisConnection } from "../ledger/connect.ts";
import { examineRedis, examineWrites } from "../ledger/examine-redis.ts";
import { type Ledger, redisLedger } from "../ledger/ledger.ts";
import { leftOpen } from "../ledger/look-ups.ts";
import { sealedValues } from "../ledger/seal-again.ts";
import type { Settings } from "./settings.ts";

/** A part of what `eks-access doctor` prints. */
export interface Examined {
  readonly what: string;
  readonly findings: readonly Finding[];
  readonly warnings?: readonly string[];
}

/** What the ledger says about this process and the others: Redis itself, the open requests, the keys and the zones. */
export async function* examineLedger(
  { environment, config }: Settings,
  named: readonly Zone[],
): AsyncGenerator<Examined> {
  let connection: RedisConnection | null = null;
  try {
    connection = await connectRedis(environment.redisUrl, environment.redisAccess);
    const { redis } = connection;
    const info = await redis.info().catch(() => "");
    const [, fsync] = await redis
      .config("GET", "appendfsync")
      .catch(() => [])
      .then((answer) => [answer].flat());
    const facts = { url: environment.redisUrl, info, fsync: typeof fsync === "string" ? fsync : null };
    const ledger = redisLedger(redis);
    const open = examineOpen(await leftOpen(ledger, config.clusters));
    const base = keysIn(await redisAuditLog(redis).base());
    const seals = await examineSeals(ledger, base, { environment, config });
    const zones = examineZones(await ledger.zonesSeen(), config, new Date(), named);
    // The last one: a client leaves a Redis that refuses its write.
    yield { what: "Redis", findings: [...examineRedis(facts), await examineWrites(ledger)] };
    yield { what: "Requests", findings: [...open, ...seals] };
    if (zones.length > 0) yield { what: "Zones", findings: zones };
  } catch (error) {
    yield { what: "Redis", findings: [broken("can't use it", explainFailure(error))] };
  } finally {
    await connection?.close();
  }
}

async function examineSeals(
  ledger: Ledger,
  base: ReadonlySet<string>,
  { environment: { slackKeys, workerKeys }, config }: Pick<Settings, "environment" | "config">,
): Promise<readonly Finding[]> {
  const clusters = [...config.clusters.keys()];
  const sealed = [base, ...(await keysOfNotices(ledger, config))];
  for await (const { ids, shown } of sealedValues(ledger, clusters)) sealed.push(new Set([...ids, ...shown]));
  const inUse = await ledger.keysInUse();
  const inSlack = slackKeys
    ? [
        ...examineOthers("preview", slackKeys.preview.ids, inUse.get("preview")),
        ...examineOlder("decision", slackKeys.decision, sealed),
      ]
    : [];
  if (!workerKeys) return inSlack;
  const { decision, memory, preview } = workerKeys;
  const leased = await Promise.all(clusters.map((name) => ledger.leasedOf(name)));
  return [
    ...inSlack,
    ...examineOthers("decision", decision.ids, inUse.get("decision")),
    ...examineOlder("preview", preview, sealed),
    ...examineOlder("memory", memory, sealed),
    ...examineMemory([...leased.flat(), ...(await ledger.migrations.open())], memory.ids),
  ];
}

/** The keys of each notice that waits for the operators' channel. */
async function keysOfNotices(ledger: Ledger, { operatorsChannel }: Settings["config"]) {
  const stored = operatorsChannel === null ? [] : await ledger.notices();
  const news = stored.flatMap((each) => storedNotice(each) ?? []).filter((notice) => isNews(notice, new Date()));
  const isPosted = await Promise.all(news.map((notice) => ledger.isTurnKept(noticeTurn(notice))));
  return news.filter((_, index) => !isPosted[index]).map(keysIn);
}

export function examineZones(
  seen: ReadonlyMap<Zone, Date>,
  { clusters }: Pick<Settings["config"], "clusters">,
  now: Date,
  named: readonly Zone[] = [],
): readonly Finding[] {
  const zones = zonesOf(clusters.values());
  const unknown = named
    .filter((zone) => zone !== null && !zones.includes(zone))
    .map((zone) => broken(`no cluster has the zone ${zone}`, "Correct --zone."));
  if (zones.every((zone) => zone === null)) return unknown;
  const served = zones.map((zone) => {
    const name = zone === null ? "the clusters without a zone" : `the zone ${zone}`;
    const seenAt = seen.get(zone);
    if (!hasNoWorker(seenAt, now)) return found(`a worker serves ${name}`);
    const start = zone === null ? "eks-access worker" : `eks-access worker --zone ${zone}`;
    const last = seenAt ? `since ${seenAt.toISOString()}` : "so far";
    return broken(`no worker serves ${name}, ${last}`, `Start ${start} where it reaches them.`);
  });
  return [...served, ...unknown];
}

/** What is open in clusters that are not configured: leases there do not end. */
function examineOpen(left: Awaited<ReturnType<typeof leftOpen>>): readonly Finding[] {
  if (left.size === 0) return [found("every open request is of a configured cluster")];
  return [...left].map(([name, { requests, migration }]) => {
    const open = [
      ...(requests > 0 ? [counted(requests, "open request")] : []),
      ...(migration ? [`a begun ${migration.kind ?? "migration"}`] : []),
    ];
    return broken(
      `${open.join(" and ")} of ${name}, which is not in eks-access.yml`,
      `Add ${name} again until they end. If it was deleted, run eks-access retire ${name}.`,
    );
  });
}

/** Whether a rotation can remove the keys that only verify by now. @param sealed the ids of the keys that each record needs */
export function examineOlder(
  kind: KeyKind,
  keys: Pick<Verifier<KeyKind>, "ids">,
  sealed: readonly ReadonlySet<string>[],
): readonly Finding[] {
  return olderKeys(keys).map((key) => {
    const count = sealed.filter((ids) => ids.has(key)).length;
    if (count === 0) return found(`nothing needs the ${kind} key ${key}, which only verifies`);
    return notAsked(`keep the ${kind} key ${key}: ${counted(count, "record")} ${count === 1 ? "needs" : "need"} it`);
  });
}

/** By the key with which the other process signs. */
const others = {
  decision: ["the Slack process", "this worker", "DECISION_PUBLIC_KEYS"],
  preview: ["the worker", "the Slack process", "PREVIEW_PUBLIC_KEYS"],
} as const;

function examineOthers(kind: keyof typeof others, ids: readonly string[], inUse = ""): readonly Finding[] {
  if (!/^[0-9a-f]{8}$/.test(inUse) || ids.includes(inUse)) return [];
  const [signer, verifier, variable] = others[kind];
  return [broken(`${signer} signs with the ${kind} key ${inUse}, which ${verifier} lacks`, keyRemedy(variable))];
}

/** By the keys that seal where leases and migrations are: those that the worker lacks. */
export function examineMemory(
  open: readonly (ApprovedRequest | Migration)[],
  known: readonly string[],
): readonly Finding[] {
  const counts = new Map<string, number>();
  for (const record of open) {
    const places = isMigration(record)
      ? [record.begun, ...record.done].map((step) => step?.place)
      : [record.lease.place];
    for (const key of keysIn(places)) if (!known.includes(key)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].map(([key, count]) =>
    broken(
      `${counted(count, "open lease or migration", "open leases or migrations")} ${count === 1 ? "needs" : "need"} the memory key ${key}, which this worker lacks`,
      keyRemedy(),
    ),
  );
}
