import { AliasBudget } from "./go-yaml/alias-budget.ts";
import { resolveScalar } from "./go-yaml/decode.ts";
import { YamlFailure } from "./go-yaml/failure.ts";
import type { ScalarNode, SequenceNode, YamlNode } from "./go-yaml/node.ts";
import { ReadingBudget } from "./go-yaml/reading-budget.ts";

export interface MappedAccount {
  /** As written: go-yaml keeps the text of a number when it decodes into a string, leading zeros included. */
  readonly id: string;
  readonly index: number;
  readonly node: ScalarNode;
}

export interface DecodedAccounts {
  readonly accounts: readonly MappedAccount[];
  readonly state: "empty" | "list" | "unreadable";
  /** Null where there is none, or none that can be read whole. */
  readonly list: SequenceNode | null;
  /** Why go-yaml stopped, if it did. What it had by then is in force. */
  readonly failure: YamlFailure | null;
}

/** mapAccounts as go-yaml v2 decodes it into a list of strings; it takes no way through JSON. */
export function decodeAccounts(root: YamlNode, decoded = new ReadingBudget()): DecodedAccounts {
  if (root.kind !== "sequence") {
    const isNull = root.kind === "scalar" && resolveScalar(root).type === "null";
    return { accounts: [], state: isNull ? "empty" : "unreadable", list: null, failure: null };
  }
  const budget = new AliasBudget(decoded);
  const accounts: MappedAccount[] = [];
  budget.spend(root);
  try {
    root.items.forEach((item, index) => {
      const node = scalarOf(item, budget);
      if (node !== null) accounts.push({ id: textOf(node), index, node });
    });
  } catch (failure) {
    if (failure instanceof YamlFailure) return { accounts, state: "unreadable", list: null, failure };
    throw failure;
  }
  return { accounts, state: "list", list: root, failure: null };
}

function scalarOf(item: YamlNode, budget: AliasBudget): ScalarNode | null {
  budget.spend(item);
  if (item.kind === "alias") return budget.through(item, () => scalarOf(item.target, budget));
  return item.kind === "scalar" ? item : null;
}

function textOf(node: ScalarNode): string {
  const value = resolveScalar(node);
  if (value.type === "null") return "";
  return value.type === "string" ? value.value : node.value;
}
