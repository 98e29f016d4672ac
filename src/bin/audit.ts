import { type ChainedEvent, type ChainVerdict, genesis, verifyChain } from "../audit/event.ts";
import { readRedisEnvironment } from "../config/redis-environment.ts";
import { AccessError } from "../failure/access-error.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { connectRedis, type RedisConnection } from "../redis/connect.ts";
import { redisLedger } from "../redis/ledger.ts";
import type { CommandIo } from "./command-io.ts";

const usage = `Usage: eks-access audit verify   checks the chain: no event edited, removed, reordered or inserted
       eks-access audit show     prints the events, one JSON object a line
`;
const pageSize = 1000;

/** `eks-access audit …`. Exit code 0 whole or shown, 1 the chain is broken, 2 unusable. @throws AccessError */
export async function audit(argv: readonly string[], io: CommandIo): Promise<number> {
  const [verb] = argv;
  if (verb !== "verify" && verb !== "show") {
    io.stderr(usage);
    return 2;
  }
  const { redis, close } = await connect();
  try {
    const ledger = redisLedger(redis);
    return verb === "verify" ? tell(await verify(ledger), io) : await show(ledger, io);
  } finally {
    await close();
  }
}

/** The log can be read where neither the seal keys nor `eks-access.yml` are: Redis is all that it takes. */
async function connect(): Promise<RedisConnection> {
  const problems: string[] = [];
  const { redisUrl, redisAccess } = readRedisEnvironment(process.env, problems);
  if (problems.length > 0) throw new AccessError("config-invalid", problems.join(" ").replace(/\.$/, ""));
  return connectRedis(redisUrl, redisAccess);
}

async function* pages(ledger: Ledger): AsyncGenerator<readonly ChainedEvent[]> {
  for (let from = 1; ; ) {
    const page = await ledger.events(from, pageSize);
    if (page.length === 0) return;
    yield page;
    from = (page.at(-1)?.sequence ?? from) + 1;
  }
}

async function verify(ledger: Ledger): Promise<ChainVerdict> {
  let head = genesis;
  let count = 0;
  for await (const page of pages(ledger)) {
    const verdict = verifyChain(page, head, count + 1);
    if (verdict.type === "broken") return verdict;
    head = verdict.head;
    count += verdict.count;
  }
  return { type: "whole", count, head };
}

function tell(verdict: ChainVerdict, io: CommandIo): number {
  if (verdict.type === "broken") {
    io.stdout(`broken: ${verdict.message}\n`);
    return 1;
  }
  io.stdout(`whole: ${verdict.count} events, head ${verdict.head}\n`);
  return 0;
}

async function show(ledger: Ledger, io: CommandIo): Promise<number> {
  for await (const page of pages(ledger)) {
    for (const { sequence, event } of page) io.stdout(`${JSON.stringify({ sequence, ...event })}\n`);
  }
  return 0;
}
