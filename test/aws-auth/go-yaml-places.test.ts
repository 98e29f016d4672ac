import { describe, expect, it } from "vitest";
import { YamlFailure } from "../../src/aws-auth/go-yaml/cursor.ts";
import type { YamlNode } from "../../src/aws-auth/go-yaml/node.ts";
import { parseYaml } from "../../src/aws-auth/go-yaml/parse-yaml.ts";

/** The pieces of a text that its nodes stand for, from the outside in. */
function pieces(text: string): string[] {
  const { root } = parseYaml(text);
  return root === null ? [] : nodesIn(root).map((node) => text.slice(node.outer, node.end));
}

function nodesIn(node: YamlNode): YamlNode[] {
  if (node.kind === "sequence") return [node, ...node.items.flatMap(nodesIn)];
  if (node.kind === "mapping")
    return [node, ...node.pairs.flatMap(({ key, value }) => [...nodesIn(key), ...nodesIn(value)])];
  return [node];
}

describe("a node knows where it is written", () => {
  it.each([
    ["plain", "- a b # c\n", ["- a b", "a b"]],
    ["plain over lines", "- a\n  b\n- c\n", ["- a\n  b\n- c", "a\n  b", "c"]],
    ["quoted", "- 'a' \n- \"b\"", ["- 'a' \n- \"b\"", "'a'", '"b"']],
    ["literal", "- |\n  a\n\n- b\n", ["- |\n  a\n\n- b", "|\n  a\n\n", "b"]],
    ["literal at the end", "- |\n  a", ["- |\n  a", "|\n  a"]],
    ["folded", "- >-\n  a\n  b\n", ["- >-\n  a\n  b\n", ">-\n  a\n  b\n"]],
    ["anchored and tagged", "- &x !!str a\n- *x\n", ["- &x !!str a\n- *x", "&x !!str a", "*x"]],
    ["tagged and anchored", "- !!str &x a", ["- !!str &x a", "!!str &x a"]],
    ["empty", "-\n- &x\n", ["-\n- &x", "", "&x"]],
    ["flow", "[a, {b: c}, d: e, ]", ["[a, {b: c}, d: e, ]", "a", "{b: c}", "b", "c", "d: e", "d", "e"]],
    ["flow without values", "{a, ? b}", ["{a, ? b}", "a", "", "b", ""]],
    ["block", "a:\n- b\nc:\n  d: e\n", ["a:\n- b\nc:\n  d: e", "a", "- b", "b", "c", "d: e", "d", "e"]],
    ["explicit", "? a\n: b\n? c\n", ["? a\n: b\n? c", "a", "b", "c", ""]],
  ])("%s", (_what, text, expected) => {
    expect(pieces(text)).toEqual(expected);
  });

  it("by line and column, after every kind of line break", () => {
    const { root } = parseYaml("- a\r\n- b\r- c\u0085- d\u2028- e\n-   f");

    const places = root === null ? [] : nodesIn(root).map(({ start }) => [start.line, start.column]);
    expect(places).toEqual([
      [0, 0],
      [0, 2],
      [1, 2],
      [2, 2],
      [3, 2],
      [4, 2],
      [5, 4],
    ]);
  });

  it("with the dashes and commas of its list", () => {
    const block = parseYaml("  - a\n  - b\n").root;
    const flow = parseYaml("[a, b,\n c,]").root;

    expect(block?.kind === "sequence" && block.marks.map(({ at, column }) => [at, column])).toEqual([
      [2, 2],
      [8, 2],
    ]);
    expect(flow?.kind === "sequence" && flow.marks.map(({ at, line }) => [at, line])).toEqual([
      [2, 0],
      [5, 0],
      [9, 1],
    ]);
  });
});

describe("a text that is not read says where and why", () => {
  it.each([
    ["- a: b\n\tc: d", "found a tab character that violates indentation", 1, 0],
    ["- [a]\n\t- b", "found character that cannot start any token", 1, 0],
    ["- a\n\tb", "found a tab character that violates indentation", 1, 0],
    ["- |\n \ta", "found a tab character where an indentation space is expected", 1, 1],
    ["- |0\n", "found an indentation indicator equal to 0", 0, 2],
    ["- |x\n", "did not find expected comment or line break", 0, 2],
    ["- 'a\n", "found unexpected end of stream", 0, 2],
    ["- 'a\n---\n'", "found unexpected document indicator", 0, 2],
    ['- "\\q"', "found unknown escape character", 0, 3],
    ['- "\\x4"', "did not find expected hexadecimal number", 0, 5],
    ['- "\\ud800"', "found invalid Unicode character escape code", 0, 5],
    ["- [a", "did not find expected ',' or ']'", 1, 0],
    ["- {a", "did not find expected ',' or '}'", 1, 0],
    ["- a\n b: c\n", "mapping values are not allowed in this context", 1, 2],
    ["- a: b\n  - c\n", "did not find expected key", 1, 2],
    ["a: - b\n", "block sequence entries are not allowed in this context", 0, 3],
    ["a: ? b\n", "mapping keys are not allowed in this context", 0, 3],
    ["- a: b\n  c\n", "could not find expected ':'", 1, 2],
    ["- a\nb\n", "could not find expected ':'", 1, 0],
    ["- a\nb: c\n", "did not find expected '-' indicator", 1, 0],
    ["a: b\n- c\n", "did not find expected key", 1, 0],
    ["- *a\n", "unknown anchor 'a' referenced", 0, 2],
    ["- &\n", "did not find expected alphabetic or numeric character", 0, 2],
    ["- !a!b c\n", "found undefined tag handle", 0, 2],
    ["- !<a b\n", "did not find the expected '>'", 0, 2],
    ["- !<> b\n", "did not find expected tag URI", 0, 2],
    ["- !%zz b\n", "found an incorrect URI escape", 0, 2],
    ["- !a{ b\n", "did not find expected whitespace or line break", 0, 2],
    ["- a\u0007\n", "control characters are not allowed", 0, 3],
    ["a\r\nb\u0085\u2028c\u0000", "control characters are not allowed", 3, 1],
    ["%FOO a\n---\n", "found unknown directive name", 0, 0],
    ["%\n---\n", "could not find expected directive name", 0, 0],
    ["%YAML! 1.1\n---\n", "found unexpected non-alphabetical character", 0, 0],
    ["%YAML 1.1 x\n---\n", "did not find expected comment or line break", 0, 0],
    ["%YAML x\n---\n", "did not find expected version number", 0, 0],
    ["%YAML 1\n---\n", "did not find expected digit or '.' character", 0, 0],
    ["%YAML 123.1\n---\n", "found extremely long version number", 0, 0],
    ["%YAML 1.2\n---\n", "found incompatible YAML document", 0, 0],
    ["%YAML 1.1\n%YAML 1.1\n---\n", "found duplicate %YAML directive", 1, 0],
    ["%TAG ! a\n%TAG ! b\n---\n", "found duplicate %TAG directive", 1, 0],
    ["%TAG a\n---\n", "did not find expected '!'", 0, 0],
    ["%TAG !a b\n---\n", "did not find expected '!'", 0, 0],
    ["%TAG !a!b\n---\n", "did not find expected whitespace", 0, 0],
    ["%TAG ! a{\n---\n", "did not find expected whitespace or line break", 0, 0],
    ["%YAML 1.1\na\n", "did not find expected <document start>", 1, 0],
    ["...\n", "did not find expected node content", 0, 0],
  ])("%j: %s", (text, problem, line, column) => {
    let failure: unknown = null;
    try {
      parseYaml(text);
    } catch (error) {
      failure = error;
    }

    expect(failure).toBeInstanceOf(YamlFailure);
    expect(failure).toMatchObject({ message: problem, line, column });
  });
});
