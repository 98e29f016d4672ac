import { describe, expect, it } from "vitest";
import { AliasBudget, allowedShare } from "../../src/aws-auth/go-yaml/budget.ts";
import { YamlFailure } from "../../src/aws-auth/go-yaml/cursor.ts";
import type { YamlNode } from "../../src/aws-auth/go-yaml/node.ts";

const start = { at: 7, line: 3, column: 5 };
const node: YamlNode = {
  kind: "scalar",
  value: "",
  tag: "",
  style: "plain",
  implicit: true,
  start,
  outer: 7,
  end: 7,
  anchor: null,
};
const alias: YamlNode & { kind: "alias" } = {
  kind: "alias",
  name: "a",
  target: node,
  start,
  outer: 7,
  end: 9,
  anchor: null,
};

/** Spends some steps by themselves and then some through an alias; the document itself is the first step of all. */
function spend(plain: number, byAlias: number): void {
  const budget = new AliasBudget();
  for (let step = 0; step < plain; step += 1) budget.spend(node);
  budget.through(alias, () => {
    for (let step = 0; step < byAlias; step += 1) budget.spend(node);
  });
}

/** What allowedAliasRatio of go-yaml answers: 99 of 100 steps up to 400,000, falling to one of ten at 4,000,000. */
describe("go-yaml bounds the share of its steps that aliases cause", () => {
  it("not among the first thousand", () => {
    expect(() => spend(0, 999)).not.toThrow();
    expect(() => spend(0, 1000)).toThrow(new YamlFailure("document contains excessive aliasing", 3, 5));
  });

  it.each([
    [1, 0.99],
    [400_000, 0.99],
    [1_300_000, 0.7675],
    [2_200_000, 0.545],
    [4_000_000, 0.1],
    [5_000_000, 0.1],
  ])("of %d steps the share %d", (all, share) => {
    expect(allowedShare(all)).toBeCloseTo(share, 12);
  });

  it("to the step", () => {
    expect(() => spend(20, 1980)).not.toThrow();
    expect(() => spend(18, 1982)).toThrow(YamlFailure);
  });

  it("and counts what an alias brings in as often as it is met", () => {
    const budget = new AliasBudget();

    const twice = () => {
      for (let time = 0; time < 2; time += 1)
        budget.through(alias, () => {
          for (let step = 0; step < 600; step += 1) budget.spend(node);
        });
    };

    expect(twice).toThrow(YamlFailure);
  });

  it("and counts no step next to an alias twice", () => {
    const budget = new AliasBudget();

    budget.through(alias, () => budget.spend(node));
    const beside = () => {
      for (let step = 0; step < 2000; step += 1) budget.spend(node);
    };

    expect(beside).not.toThrow();
  });

  it("and an alias within itself has no end", () => {
    const budget = new AliasBudget();

    expect(budget.through(alias, () => "done")).toBe("done");
    expect(budget.through(alias, () => "again")).toBe("again");
    expect(() => budget.through(alias, () => budget.through(alias, () => null))).toThrow(
      new YamlFailure("anchor 'a' value contains itself", 3, 5),
    );
  });
});
