import { YamlFailure } from "./failure.ts";
import type { YamlNode } from "./node.ts";
import { ReadingBudget } from "./reading-budget.ts";

const LOW = 400_000;
const HIGH = 4_000_000;

/** go-yaml's guard against documents whose aliases grow without end: the share of work that aliases may cause. */
export class AliasBudget {
  #all = 1;
  #byAlias = 0;
  #depth = 0;
  readonly #open = new Set<YamlNode>();
  readonly #budget: ReadingBudget;
  /** The alias that is written where all this is read: what is too much is too much there. */
  #outermost: YamlNode | null = null;

  constructor(budget = new ReadingBudget()) {
    this.#budget = budget;
  }

  spend(node: YamlNode): void {
    this.#all += 1;
    if (this.#depth > 0) this.#byAlias += 1;
    // go-yaml also wants more than 100 steps by aliases, which follows: no share below a tenth is refused.
    if (this.#all > 1000 && this.#byAlias / this.#all > allowedShare(this.#all))
      throw new YamlFailure("document contains excessive aliasing", node.start.line, node.start.column);
    this.#budget.spend(this.#outermost ?? node, node.kind === "scalar" ? node.value.length : 0);
  }

  /** Runs what an alias stands for. An alias that is met again within itself has no end. */
  through<T>(alias: YamlNode & { kind: "alias" }, run: () => T): T {
    if (this.#open.has(alias))
      throw new YamlFailure(`anchor '${alias.name}' value contains itself`, alias.start.line, alias.start.column);
    this.#open.add(alias);
    this.#outermost ??= alias;
    this.#depth += 1;
    const result = run();
    this.#depth -= 1;
    this.#open.delete(alias);
    if (this.#depth === 0) this.#outermost = null;
    return result;
  }
}

/** Which share of so many steps aliases may cause: `allowedAliasRatio` of go-yaml. */
export function allowedShare(all: number): number {
  const along = (all - LOW) / (HIGH - LOW);
  return 0.99 - 0.89 * Math.min(Math.max(along, 0), 1);
}
