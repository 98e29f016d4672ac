import type { ChainedEvent } from "../../src/access/audit-event.ts";
import { type Announcements, watchAnnouncements } from "./announcements.ts";
import { judge } from "./judge.ts";
import { type Giving, type KillableProduct, startKillableProduct } from "./killable-product.ts";
import { playRun, type Run, type Strike, shortLeaseSeconds } from "./play-run.ts";
import { nameOf } from "./steps.ts";
import { newTally, type Tally, tallyText } from "./tally.ts";

/** A product with what is known of it: each run leaves it as it found it. */
interface StageInUse {
  readonly product: KillableProduct;
  readonly announcements: Announcements;
  readonly known: ChainedEvent[];
}

/** Plays all keeps running so many stages side by side, and counts. */
export async function playAll(runs: readonly Run[], stages: number, giving: Giving = "groups"): Promise<Tally> {
  const tally = newTally();
  const waiting = [...runs];
  await Promise.all(Array.from({ length: stages }, () => playOn(waiting, tally, giving)));
  return tally;
}

async function playOn(waiting: Run[], tally: Tally, giving: Giving): Promise<void> {
  let inUse = await open(giving);
  for (let run = waiting.shift(); run; run = waiting.shift()) {
    const isClean = await playOne(inUse, run, tally);
    if (isClean) continue;
    // What went wrong must not speak for the runs that follow.
    await close(inUse);
    inUse = await open(giving);
  }
  await close(inUse);
}

async function playOne(inUse: StageInUse, run: Run, tally: Tally): Promise<boolean> {
  const { product, announcements, known } = inUse;
  const title = `${run.strikes.map(titleOf).join(" and ")}, ${run.ending}`;
  const problems = newTally();
  const announced = announcements.untrue.length;
  let isJudged = true;
  try {
    const { request, missed } = await playRun(product, run, async (now) => {
      const findings = await judge(product, now, known);
      isJudged &&= findings !== null;
      if (findings === null) return;
      for (const name of ["lost", "doubled", "untrue", "leftBehind"] as const) {
        problems[name].push(...findings[name].map((finding) => `${title}: ${finding}`));
      }
    });
    if ((missed.length > 0 || !isJudged) && isTooShort(run)) return playOne(inUse, longer(run), tally);
    for (const strike of missed) {
      tally.missed.push(titleOf(strike));
      // At once, as what went wrong: a step that the product no longer makes misses each of its faults.
      console.warn(`missed: ${titleOf(strike)}`);
    }
    if (request?.state === "refused") tally.refused += 1;
    else if (request?.lease?.state === "failed") tally.failed += 1;
    else tally.active += 1;
  } catch (error) {
    const log = product.log().filter((line) => /"level":[45]0/.test(line));
    problems.stuck.push(`${title}: ${String(error)}\n${log.slice(-6).join("\n")}`);
  }
  problems.untrue.push(...announcements.untrue.slice(announced).map((each) => `${title}: ${each}`));
  tally.runs += 1;
  for (const { step, fault } of run.strikes) {
    tally.steps.add(nameOf(step));
    tally.faults.add(fault.name);
  }
  for (const name of problemNames) tally[name].push(...problems[name]);
  // At once: the long form takes its time, and may be stopped before its end.
  for (const name of problemNames) for (const problem of problems[name]) console.warn(`${name}: ${problem}`);
  if (tally.runs % 50 === 0) console.info(tallyText(tally));
  return problemNames.every((name) => problems[name].length === 0);
}

const titleOf = ({ step, fault }: Strike) => `${nameOf(step)} × ${fault.name}`;

/** On a busy machine a lease may be over before it was leased, and its end has other calls then. */
function isTooShort({ ending, leaseSeconds = shortLeaseSeconds }: Run): boolean {
  return ending === "expired" && leaseSeconds * longerBy < maxSeconds;
}

const longerBy = 3;
/** From here on a person writes minutes: `108s` is no duration. */
const maxSeconds = 100;

function longer(run: Run): Run {
  const leaseSeconds = longerBy * (run.leaseSeconds ?? shortLeaseSeconds);
  return { ...run, name: `${run.name}-${leaseSeconds}`, leaseSeconds };
}

const problemNames = ["lost", "doubled", "untrue", "leftBehind", "stuck"] as const;

async function open(giving: Giving): Promise<StageInUse> {
  const product = await startKillableProduct(giving);
  return { product, announcements: watchAnnouncements(product), known: [] };
}

async function close({ product, announcements }: StageInUse): Promise<void> {
  announcements.stop();
  await product.stop();
}
