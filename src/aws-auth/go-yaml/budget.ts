import { type Mark, YamlExcess, YamlFailure } from "./cursor.ts";
import type { YamlNode } from "./node.ts";

/** Pauses where others may have a turn: a document of 1 MiB takes longer than the event loop may be blocked. */
export type Steps<T> = Generator<void, T, void>;

/** Works through all steps without a pause. */
export function finish<T>(steps: Steps<T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}

/** More values than any real map has: 1 MiB of entries with usual names comes to some 60,000. */
const MOST_VALUES = 100_000;

/** More values than any real entry has. An item is read without a pause. */
const MOST_IN_ITEM = 20_000;

/** More text than a ConfigMap holds, in UTF-16 units. Only aliases, which repeat a text, reach it. */
const MOST_TEXT = 4 * 1024 * 1024;

export class ReadingBudget {
  #values = MOST_VALUES;
  #text = MOST_TEXT;
  #inItem: number;
  readonly #mostInItem: number;

  /** @param mostInItem values in one item of the list */
  constructor(mostInItem = MOST_VALUES) {
    this.#mostInItem = mostInItem;
    this.#inItem = mostInItem;
  }

  nextItem(): void {
    this.#inItem = this.#mostInItem;
  }

  spend({ start }: { readonly start: Mark }, text = 0): void {
    this.#values -= 1;
    this.#inItem -= 1;
    this.#text -= text;
    if (this.#inItem < 0)
      throw excess(`has more than ${this.#mostInItem.toLocaleString("en")} values in one item`, start);
    if (this.#values < 0) throw excess(`holds more than ${MOST_VALUES.toLocaleString("en")} values`, start);
    if (this.#text < 0) throw excess("comes to more than 4 MiB of text", start);
  }

  save(): () => void {
    const [values, text] = [this.#values, this.#text];
    return () => {
      this.#values = values;
      this.#text = text;
    };
  }
}

export class DocumentBudget {
  readonly written = new ReadingBudget(MOST_IN_ITEM);
  /** Values as decoded: the target of an alias counts each time. */
  readonly decoded = new ReadingBudget();

  /** Reads a section. One that is too large costs the others nothing: none of it is kept. */
  *read<T>(section: Steps<T>): Steps<T> {
    const restore = [this.written.save(), this.decoded.save()];
    try {
      return yield* section;
    } catch (failure) {
      if (failure instanceof YamlExcess) for (const giveBack of restore) giveBack();
      throw failure;
    }
  }
}

function excess(problem: string, { line, column }: Mark): YamlExcess {
  return new YamlExcess(problem, line, column);
}

const LOW = 400_000;
const HIGH = 4_000_000;

/** go-yaml's guard against aliases that grow without end: a limit on the share of work that aliases cause. */
export class AliasBudget {
  #all = 1;
  #byAlias = 0;
  #depth = 0;
  readonly #open = new Set<YamlNode>();
  readonly #budget: ReadingBudget;
  /** The alias of this reading: the failure names its place. */
  #outermost: YamlNode | null = null;

  constructor(budget = new ReadingBudget()) {
    this.#budget = budget;
  }

  spend(node: YamlNode): void {
    this.#all += 1;
    if (this.#depth > 0) this.#byAlias += 1;
    // go-yaml also requires more than 100 steps by aliases. That follows here: it never refuses a share below a tenth.
    if (this.#all > 1000 && this.#byAlias / this.#all > allowedShare(this.#all))
      throw new YamlFailure("document contains excessive aliasing", node.start.line, node.start.column);
    this.#budget.spend(this.#outermost ?? node, node.kind === "scalar" ? node.value.length : 0);
  }

  /** Runs `run` for the target of an alias. An alias within itself would never end, so it fails. */
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

/** The allowed share of aliases at this number of steps: `allowedAliasRatio` of go-yaml. */
export function allowedShare(all: number): number {
  const along = (all - LOW) / (HIGH - LOW);
  return 0.99 - 0.89 * Math.min(Math.max(along, 0), 1);
}
