import { z } from "zod";
import { AccessError } from "../access/access-error.ts";
import { accessCsv, type ReviewScope } from "../access/access-review.ts";
import { readIsoTime } from "../access/ask/duration.ts";
import {
  type ChainedEvent,
  type ChainVerdict,
  erasureMark,
  genesis,
  nestsTooDeep,
  toCloudEvent,
  type WholeChain,
} from "../access/audit-event.ts";
import { type PreviewPublicKeys, parseJson } from "../access/seal.ts";
import { type Anchor, formatAnchor, type LogBase, readAnchor, verifyLog } from "../access/verify-log.ts";
import { readRedisEnvironment } from "../config/environment.ts";
import { readPreviewKeys } from "../config/key-environment.ts";
import { type AuditLog, redisAuditLog } from "../ledger/audit-log.ts";
import { connectRedis, type RedisConnection } from "../ledger/connect.ts";
import { pagesOf, readAccessReview, verifyAuditLog } from "../ledger/verify-audit-log.ts";
import { erase } from "./erase.ts";
import { text, texts } from "./option-kinds.ts";
import { type CommandIo, cliCommand, misused, needs, readArguments, readInput, unusable } from "./process-io.ts";

const auditUsage = `Usage: eks-access audit verify [--anchor COUNT:HASH]… [--file FILE|-]
       eks-access audit export [--format jsonl|cloudevents] [--from N]
       eks-access audit show [--request ID]
       eks-access audit review [--from DATE] [--to DATE] [--cluster NAME]
       eks-access audit erase SLACK-USER --by SLACK-USER --why TEXT [--also TEXT]…

verify   checks that no event was edited, removed, reordered or inserted
export   prints the events and their chain, one JSON object per line
show     prints the events, one JSON object per line
review   prints as CSV who had which access, who approved it and who reviewed it. A broken log gives no review
erase    erases what Redis has of a person: links, closed requests, and in the events everything that names them.
         It refuses while an open request, a lease or eks-access.yml needs them. Run it in the worker's environment

  --anchor COUNT:HASH  verify against this posted anchor too: it proves that the whole log was not replaced
  --file FILE          verify an export instead of the ledger; - reads stdin
  --format FORMAT      jsonl (by default) or cloudevents
  --from N             export from this event
  --request ID         show only the events of this request
  --from DATE          review from this day, for example 2026-09-01
  --to DATE            review until the beginning of this day
  --cluster NAME       review only this cluster
  --by SLACK-USER      your Slack user id, for the audit log
  --why TEXT           the reason to erase, for the audit log
  --also TEXT          erase also this, which only they have, such as an e-mail address

Example: eks-access audit review --from 2026-09-01 --to 2026-10-01 > september.csv
Exit code: 0 done, 1 the log is broken or not proved, or something could not be erased yet, 2 unusable input.
`;

type AuditOptions =
  | { readonly type: "verify"; readonly anchors: readonly Anchor[]; readonly file: string | null }
  | { readonly type: "export"; readonly format: "jsonl" | "cloudevents"; readonly from: number }
  | { readonly type: "show"; readonly request: string | null }
  | ({ readonly type: "review" } & ReviewScope);

const auditFlags = { anchor: texts, file: text, format: text, from: text, request: text, to: text, cluster: text };

const ofCommand: Readonly<Record<string, readonly string[]>> = {
  verify: ["anchor", "file"],
  export: ["format", "from"],
  show: ["request"],
  review: ["from", "to", "cluster"],
};

function readAuditOptions(argv: readonly string[]): AuditOptions {
  const { values, positionals } = readArguments(argv, auditFlags);
  const [verb = "", ...rest] = positionals;
  const known = Object.hasOwn(ofCommand, verb) ? ofCommand[verb] : undefined;
  if (!known) return needs("verify, export, show, review or erase");
  if (rest[0] !== undefined) misused(`Unexpected argument ${rest[0]}.`);
  const stray = Object.keys(values).find((name) => !known.includes(name));
  if (stray) misused(`${verb} takes no --${stray}.`);
  if (verb === "verify") {
    const anchors = (values.anchor ?? []).map((each) => readAnchor(each) ?? needs("an anchor as COUNT:HASH"));
    return { type: "verify", anchors, file: values.file ?? null };
  }
  if (verb === "review") return readReviewOptions(values.from, values.to, values.cluster);
  if (verb === "export") return readExportOptions(values.format ?? "jsonl", values.from ?? "1");
  return { type: "show", request: values.request ?? null };
}

function readExportOptions(format: string, from: string): AuditOptions {
  if (format !== "jsonl" && format !== "cloudevents") return needs("--format as jsonl or cloudevents");
  if (!/^[1-9]\d{0,14}$/.test(from)) needs("--from as the number of an event");
  return { type: "export", format, from: Number(from) };
}

/** A day begins at midnight UTC; `to` is the first moment outside. */
function readReviewOptions(from: string | undefined, to: string | undefined, cluster: string | undefined) {
  const [first, last] = [from, to].map((day) => (day === undefined ? null : readIsoTime(day)));
  if ((from && !first) || (to && !last)) needs("--from and --to as a date, such as 2026-09-01");
  if (first && last && first >= last) needs("--to after --from");
  const clusters = cluster === undefined ? null : [cluster];
  return { type: "review", from: first ?? null, to: last ?? null, clusters } as const;
}

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const event = z.looseObject({ type: z.string(), at: z.string(), actor: z.string(), request: z.string() });
const line = z.object({ sequence: z.int().min(1), event, previous: hash, hash, erased: hash.exactOptional() });

const cloudEvent = z.looseObject({
  specversion: z.literal("1.0"),
  sequence: z.string().regex(/^\d{1,15}$/),
  data: event.extend({ cluster: z.string() }),
  chainprevious: hash,
  chainhash: hash,
  chainerased: hash.exactOptional(),
});

export const audit = cliCommand("audit", auditUsage, async (argv, io) => {
  const [verb, ...others] = argv;
  if (verb === "erase") return erase(others, io);
  const options = readAuditOptions(argv);
  if (options.type === "verify" && options.file !== null) return verifyFile(options.file, options.anchors, io);
  const { redis, close } = await connect();
  try {
    const log = redisAuditLog(redis);
    if (options.type === "review") return await review(log, options, io);
    if (options.type !== "verify") return await print(log, options, io);
    const verdict = await verifyAuditLog(log, previewKeysFor, options.anchors);
    const code = printVerdict(verdict, io);
    if (verdict.type === "whole") await note(log, verdict, io);
    return code;
  } finally {
    await close();
  }
});

/** The log is readable without secret keys and without `eks-access.yml`. */
async function connect(): Promise<RedisConnection> {
  const problems: string[] = [];
  const { redisUrl, redisAccess } = readRedisEnvironment(process.env, problems);
  refuseAny(problems);
  return connectRedis(redisUrl, redisAccess);
}

async function review(log: AuditLog, scope: ReviewScope, io: CommandIo): Promise<number> {
  const found = await readAccessReview(log, previewKeysFor, scope);
  if ("type" in found) {
    io.stderr(`eks-access audit: The log is broken, so there is no review. ${found.message}\n`);
    return 1;
  }
  io.stdout(accessCsv(found.rows));
  if (scope.clusters && found.rows.length === 0) {
    io.stderr(`The audit log has no lease of ${scope.clusters.join()}.\n`);
  }
  return 0;
}

/** A log with removed events needs a key. @throws AccessError */
function previewKeysFor({ count, erasures }: LogBase): PreviewPublicKeys {
  const problems: string[] = [];
  const keys = readPreviewKeys(process.env, problems);
  const what = count > 0 ? `begins after event ${count}` : erasures?.size ? "has erased events" : null;
  if (what !== null && keys.ids.length === 0) {
    problems.push(`PREVIEW_PUBLIC_KEYS: set it as in the Slack process. The log ${what}.`);
  }
  refuseAny(problems);
  return keys;
}

function refuseAny(problems: readonly string[]): void {
  if (problems.length > 0) throw new AccessError("config-invalid", problems.join(" ").replace(/\.$/, ""));
}

/** Stores the anchor, so that a later check can use it after its event is removed. Without the right to write, it only prints it. */
async function note(log: AuditLog, { count, head }: WholeChain, io: CommandIo): Promise<void> {
  try {
    await log.noteAnchor({ count, hash: head });
  } catch {
    io.stderr("Can't store the anchor: run this with write access.\n");
  }
}

/** An export can begin anywhere: it does not show the events before its first one. */
async function verifyFile(path: string, anchors: readonly Anchor[], io: CommandIo): Promise<number> {
  // PowerShell begins a file with a byte order mark.
  const text = (await readInput(path, io)).replace(/^\ufeff/, "");
  const lines = [...text.split("\n").entries()].filter(([, each]) => each.trim() !== "");
  // An event of a newer form counts too: the chain covers any content.
  const refuse = (index: number) => unusable(`Line ${index + 1} is no exported event.`);
  const events = lines.map(([index, each]) => readLine(each) ?? refuse(index));
  const [first = refuse(0)] = events;
  const [count, hash] = [first.sequence - 1, first.previous];
  const older = anchors.find((anchor) => anchor.count < count);
  if (older) {
    const where = `Export again with --from ${Math.max(1, older.count)}.`;
    unusable(`The file begins after the anchor ${formatAnchor(older)}. ${where}`);
  }
  const erasures = new Map(events.map((each) => [each.sequence, erasureMark(each) ?? ""]));
  const base = { count, hash, anchors: [], erasures };
  const beginning = count === 0 ? [{ count, hash: genesis }] : [];
  const verification = verifyLog(base, [...beginning, ...anchors]);
  const verdict = verification.take(events) ?? verification.end();
  const code = printVerdict(verdict, io, count);
  const erased = events.flatMap((each) => (each.erased === undefined ? [] : [each.sequence]));
  if (verdict.type === "broken" || erased.length === 0) return code;
  // The file has the digests of the whole events, so anyone could have written the rest.
  io.stdout(`unproved: erased or edited: ${erased.join(", ")}. eks-access audit verify without --file says which.\n`);
  return 1;
}

/** @param missing the events before the first one of a file, which can lack its beginning */
function printVerdict(verdict: ChainVerdict, io: CommandIo, missing = 0): number {
  if (verdict.type === "broken") {
    io.stdout(`broken: ${verdict.message}\n`);
    return 1;
  }
  const anchor = formatAnchor({ count: verdict.count, hash: verdict.head });
  const events = `${verdict.count - missing} events${missing > 0 ? ` after event ${missing}` : ""}`;
  io.stdout(`whole: ${events}, head ${verdict.head}\nanchor ${anchor}\n`);
  return 0;
}

async function print(log: AuditLog, options: Extract<AuditOptions, { type: "export" | "show" }>, io: CommandIo) {
  let printed = 0;
  for await (const page of pagesOf(log, options.type === "export" ? options.from : 1)) {
    for (const each of page) {
      const { sequence, event } = each;
      if (options.type === "show" && options.request !== null && event.request !== options.request) continue;
      const shown = options.type === "show" ? { sequence, ...event } : each;
      const value = options.type === "export" && options.format === "cloudevents" ? toCloudEvent(each) : shown;
      io.stdout(`${JSON.stringify(value)}\n`);
      printed += 1;
    }
  }
  if (printed === 0 && options.type === "show" && options.request !== null) {
    io.stderr(`The audit log has no event of ${options.request}.\n`);
  }
  return 0;
}

function readLine(text: string): ChainedEvent<object> | null {
  const value = parseJson(text);
  // `namesIn` takes long for what is no JSON.
  if (value === null) return null;
  const own = line.safeParse(value);
  // The schemas leave `__proto__` out, so that no digest covers it.
  const covered = (name: string, each: unknown) => (name === "__proto__" ? undefined : each);
  const isPlain = !nestsTooDeep(value) && namesIn(text) === namesIn(JSON.stringify(own.data ?? value, covered));
  if (own.success) return isPlain ? own.data : { ...own.data, event: {} };
  const foreign = cloudEvent.safeParse(value);
  if (!foreign.success) return null;
  const { sequence, data, chainprevious, chainhash, chainerased: erased } = foreign.data;
  const unerased = { sequence: Number(sequence), event: data, previous: chainprevious, hash: chainhash };
  const read = erased === undefined ? unerased : { ...unerased, erased };
  // The chain covers the data alone, and most readers of a CloudEvent look at the rest.
  const { data: _, ...written } = toCloudEvent(read);
  const rest = Object.entries({ subject: undefined, ...written });
  const isOurs = Object.keys(foreign.data).every((name) => name === "data" || Object.hasOwn(written, name));
  const isWhole = isPlain && isOurs && rest.every(([name, value]) => foreign.data[name] === value);
  return isWhole ? read : { ...unerased, event: foreign.data };
}

/** How many a JSON has. Of a name that comes twice we read the last value, and other readers the first. */
function namesIn(json: string): number {
  return [...json.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;
}
