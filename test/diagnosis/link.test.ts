import { describe, expect, test } from "vitest";
import { brokenIn, completeChain, type Link, linkNames, named, sentence, someOf } from "../../src/diagnosis/link.ts";

const a = (name: Link["name"], result: Link["result"] = "yes"): Link => ({
  name,
  result,
  detail: "d",
  remedy: null,
  isReached: true,
});

/** A cluster whose runs become its creator. */
const byCreator = {};

describe("a chain", () => {
  test("appears whole and in its order, whatever was asked and when", () => {
    const chain = completeChain([a("leases"), a("worker")], byCreator);

    expect(chain.map(({ name }) => name)).toEqual(linkNames);
  });

  test("that ends says at each link behind it where it ended", () => {
    const chain = completeChain([a("worker"), a("creator", "no")], byCreator);

    expect(chain[2]).toEqual({
      name: "cluster",
      result: "not asked",
      detail: "needs the creator",
      remedy: null,
      isReached: false,
    });
  });

  test("does not end at the right to write, which others do not need", () => {
    const links = [a("worker"), a("creator"), a("cluster"), a("api-server"), a("write", "no"), a("mode", "no")];

    const chain = completeChain(links, byCreator);

    expect(chain[6]?.detail).toBe("needs the authentication mode");
    expect(brokenIn(chain, byCreator)).toEqual({ beside: ["write"], end: "mode" });
  });

  test("without any result says that no worker answered", () => {
    expect(completeChain([], byCreator).every(({ detail }) => detail === "no worker answered")).toBe(true);
  });

  test("goes on behind a document with errors, and ends at a person without access", () => {
    const links = linkNames.slice(0, 9).map((name) => a(name, name === "document" || name === "you" ? "no" : "yes"));

    expect(brokenIn(completeChain(links, byCreator), byCreator)).toEqual({ beside: ["document"], end: "you" });
  });

  test("where nothing is broken ends nowhere, though not all of it was asked", () => {
    expect(brokenIn(completeChain([a("worker"), a("you", "not asked")], byCreator), byCreator)).toEqual({
      beside: [],
      end: null,
    });
  });
});

test("a value keeps no backtick that could end its own marks", () => {
  expect(named("a`b")).toBe("`a'b`");
});

test("of many values some are named, and the others counted", () => {
  expect(someOf(["a", "b", "c"], 2)).toBe("`a`, `b`, 1 more");
});

test.each([
  ["nothing", " ", ""],
  ["words", "it fails", "it fails."],
  ["a sentence of others, with white space", " It fails. \n", " It fails."],
  ["white space without end", `it${" ".repeat(20_000)}fails`, `it${" ".repeat(20_000)}fails.`],
])("%s become a sentence", (_what, words, ended) => {
  expect(sentence(words)).toBe(ended);
});
