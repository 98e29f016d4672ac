import { afterEach, describe, expect, test } from "vitest";
import { textOf } from "../../../sandbox/slack/message-content.ts";
import { type EmailStatement, type Identities, sealIdentities } from "../../../src/access/found-identities.ts";
import type { WorkerQuestion } from "../../../src/ledger/jobs.ts";
import { aCluster, configText } from "../../builders/a-cluster.ts";
import { aLink } from "../../builders/a-link.ts";
import { engineerArn } from "../../builders/a-request.ts";
import { keys, otherKeys } from "../../builders/keys.ts";
import { aSlackApp, type SlackApp } from "../a-slack-app.ts";

const config = `${configText.replace("groups: [eks-access:viewers]", "bind: [{ clusterRole: view, in: all }]")}identities:
  - identityCenter:
      region: eu-central-1
      instanceArn: arn:aws:sso:::instance/ssoins-1234567890abcdef
      identityStoreId: d-1234567890
      roleArn: arn:aws:iam::999988887777:role/identity-reader
  - links
policy:
  rules: [{ name: everybody }]
  breakGlass: [{ who: [U0ENGINEER], level: admin, for: 30m }]
`;
const roleOf = (set: string) => `arn:aws:iam::111122223333:role/AWSReservedSSO_${set}_0123456789abcdef`;
const sessionOf = (set: string, name: string) =>
  `arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_${set}_0123456789abcdef/${name}`;
const alice = sessionOf("Developer", "alice@example.com");

let app: SlackApp;
let asked: EmailStatement[];
afterEach(() => app.stop());

type Answer = Partial<Pick<Identities, "person" | "why" | "user">>;

/** Something that waits until it is let go. */
function held() {
  let letGo = () => {};
  const until = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  return { until, letGo: () => letGo() };
}

/** A worker that finds these permission sets, or answers something else. @param until when it has looked them up */
async function withWorker(answer: Answer | string, from = keys, until = Promise.resolve()): Promise<void> {
  asked = [];
  app = await aSlackApp({
    config,
    worker: async (question: WorkerQuestion) => {
      if (question.type !== "identities") return true;
      asked.push(question.email);
      await until;
      if (typeof answer === "string") return { type: "failed", message: answer };
      const { user, email } = question.email;
      const found = {
        user,
        email,
        at: new Date().toISOString(),
        person: null,
        why: null,
        ...answer,
      };
      const sealed = sealIdentities(found, aCluster(), from.preview);
      await app.ledger.rememberIdentities(sealed);
      return { type: "found", found: sealed };
    },
  });
}

const person = (...sets: readonly string[]) => ({
  userName: "alice@example.com",
  permissionSets: [...sets],
  roles: sets.map(roleOf),
});
const say = async (line: string) => textOf(await app.say("U0ENGINEER", line));
const requests = () => app.ledger.ofRequester("U0ENGINEER", 5);
const line = "request staging viewer for 2h debug the queue";

describe("a request without an ARN", () => {
  test("has a button for each identity, if the person has several", async () => {
    await withWorker({ person: person("Admin", "Developer") });

    const answer = await app.say("U0ENGINEER", line);
    await app.answered("U0ENGINEER", () => app.person("U0ENGINEER").click(answer, "Run as Developer"));

    expect(textOf(answer)).toContain("[Run as Admin]\n[Run as Developer]");
    expect(await requests()).toMatchObject([{ principal: alice, reason: "debug the queue", durationSeconds: 7200 }]);
  });

  test("is for the session that Identity Center gives, asked with the address that Slack vouches for", async () => {
    await withWorker({ person: person("Developer") });

    expect(await say(line)).toContain(`Principal: \`${alice}\`. Reason: debug the queue`);
    expect(await requests()).toMatchObject([{ principal: alice }]);
    expect(asked).toMatchObject([{ user: "U0ENGINEER", email: "engineer@example.com" }]);
  });

  test("asks which of several permission sets", async () => {
    await withWorker({ person: person("Admin", "Developer") });

    const which = "Say which identity: Admin (alice@example.com) or Developer (alice@example.com).";
    expect(await say(line)).toContain(which);
    expect(await say(line.replace("staging", "staging <arn>"))).toContain(which);
    expect(await requests()).toEqual([]);
  });

  test("says why there is none, and how to get one", async () => {
    await withWorker({ why: "user-not-found" });

    expect(await say(line)).toContain(
      "In Identity Center, no user has the address engineer@example.com. Ask its administrator. Or write an ARN.",
    );
  });

  test.each(["AWS throttled identitystore:GetUserId. If this lasts, ask AWS for a higher quota."])(
    "says what fails, and a link or an ARN works all the same: %s",
    async (failure) => {
      await withWorker(failure);

      expect(await say(line)).toContain(`${failure} Or write an ARN`);
      await app.ledger.linkPrincipal("U0ENGINEER", aLink("U0ENGINEER", engineerArn));
      expect(await say(line)).toContain(`Principal: \`${engineerArn}\``);
      expect(await say(`request staging ${alice} viewer for 2h look`)).toContain("Requested `viewer`");
    },
  );

  test("asks a worker no more often than the limits allow, and says when it may again", async () => {
    await withWorker("AWS throttled it.");
    const part = Math.floor(Date.now() / 600_000);
    for (let count = 0; count < 30; count += 1) {
      await app.ledger.takeTurn(`questions-U0ENGINEER-${part}`, 600_000, 30);
    }

    const inWords = /You sent 30 questions\. Try again at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\./;
    expect(await say(line)).toMatch(inWords);
    expect(await say("whoami staging")).toMatch(inWords);
    const engineer = app.person("U0ENGINEER");
    await engineer.command("/eks-access request", "C0ACCESS");
    expect(textOf(await app.slack.until(() => engineer.view()))).toMatch(inWords);
    expect(asked).toEqual([]);
  });

  test.each([
    ["whether the ARN is theirs", "{ name: everybody, principals: { linkedOnly: true } }"],
    [
      "whether the asker takes what is theirs alone",
      "{ name: theirs, who: [U0ONCALL] }, { name: rest, levels: [admin] }",
    ],
  ])("for another person costs none of that person's questions: %s", async (_, rules) => {
    await withWorker("AWS throttled it.");
    await app.follow(`${config.replace("{ name: everybody }", rules)}limits: { questions: 1 }\n`);

    await app.say("U0ENGINEER", `request staging ${engineerArn} viewer for @on-call for 2h debug the queue`);

    expect(textOf(await app.say("U0ONCALL", line))).toContain("AWS throttled it.");
  });

  test("takes nothing from an answer that another hand sealed, or that is about another person", async () => {
    await withWorker({ person: person("Developer") }, otherKeys);
    const forged = await say(line);
    await app.stop();
    await withWorker({ person: person("Developer"), user: "U0APPROVER" });

    expect(forged).toContain("No worker answered.");
    expect(await say(line)).toContain("No worker answered.");
    expect(await requests()).toEqual([]);
  });

  test("takes nothing from the ledger without the worker's seal", async () => {
    await withWorker({ person: person("Developer") });
    const mallory = { ...person("Developer"), userName: "mallory@example.com" };
    const at = new Date().toISOString();
    const forged = {
      user: "U0ENGINEER",
      email: "engineer@example.com",
      at,
      person: mallory,
      why: null,
    };
    await app.ledger.rememberIdentities(sealIdentities(forged, aCluster(), otherKeys.preview));
    await app.ledger.linkPrincipal("U0ENGINEER", { arn: engineerArn, seal: null });

    expect(await say(line)).toContain(`Principal: \`${alice}\``);
  });
});

describe("a request with an ARN", () => {
  const typed = `request staging ${alice} viewer for 2h debug the queue`;

  test("has the person looked up before it is recorded, so the approvers read whether the ARN is theirs", async () => {
    await withWorker({ person: person("Developer") });

    await say(typed);
    await say(typed);

    expect(asked).toMatchObject([{ user: "U0ENGINEER", email: "engineer@example.com" }]);
    expect((await app.ledger.identitiesOf("U0ENGINEER")).get("staging")).toMatchObject({ person: person("Developer") });
  });

  test("waits no longer for that than Slack does", async () => {
    const worker = held();
    await withWorker({ person: person("Developer") }, keys, worker.until);

    const answer = await say(typed);
    worker.letGo();

    expect(answer).toContain("Requested `viewer`");
  });

  test("looks no one up if the policy refuses it", async () => {
    await withWorker({ person: person("Developer") });

    await say(typed.replace("2h", "100h"));

    expect(asked).toEqual([]);
    expect(await requests()).toEqual([]);
  });
});

describe("the form", () => {
  /** The form once a level is chosen. */
  const open = async () => {
    const engineer = app.person("U0ENGINEER");
    await engineer.command("/eks-access request", "C0ACCESS");
    const view = await app.slack.until(() => engineer.view());
    await engineer.choose(view, "Level", "viewer");
    return app.slack.until(() => {
      const now = engineer.view();
      return now?.blocks.some(({ block_id: id }) => id === "duration/staging/viewer") ? now : undefined;
    });
  };

  test("shows who the person is, and needs no ARN", async () => {
    await withWorker({ person: person("Developer") });
    const view = await open();

    await app.person("U0ENGINEER").submit({ Why: "debug the queue" });

    expect(textOf(view)).toContain("You on `staging`: `Developer` (alice@example.com)");
    expect(await requests()).toMatchObject([{ principal: alice }]);
  });

  test("has a menu where there are several", async () => {
    await withWorker({ person: person("Admin", "Developer") });
    await open();

    await app
      .person("U0ENGINEER")
      .submit({ Why: "debug the queue", "Your AWS identity on staging": "AWSReservedSSO_Developer_0123456789abcdef" });

    expect(await requests()).toMatchObject([{ principal: alice }]);
  });

  test("has the identity of the last request first", async () => {
    await withWorker({ person: person("Admin", "Developer") });
    await say(`request staging ${alice} viewer for 2h debug the queue`);

    const menu = (await open()).blocks.find(({ block_id: id }) => id === "identity/staging");

    expect(await requests()).toMatchObject([{ principal: alice }]);
    expect(JSON.stringify(menu)).toMatch(/AWSReservedSSO_Developer.*AWSReservedSSO_Admin/);
  });

  test("takes another ARN without a choice in the menu, and says at the menu which identities there are without both", async () => {
    await withWorker({ person: person("Admin", "Developer") });
    await open();

    const { errors } = await app.person("U0ENGINEER").submit({ Why: "debug the queue" });
    await app.person("U0ENGINEER").submit({ "Another role or user": engineerArn });

    const names = "Admin (alice@example.com) or Developer (alice@example.com)";
    expect(errors).toEqual({ "identity/staging": `Say which identity: ${names}.` });
    expect(await requests()).toMatchObject([{ principal: engineerArn }]);
  });

  test("wants no ARN while the worker still looks the person up", async () => {
    const worker = held();
    await withWorker({ person: person("Developer") }, keys, worker.until);
    const view = await open();
    worker.letGo();

    await app.person("U0ENGINEER").submit({ Why: "debug the queue" });

    expect(textOf(view)).toContain("Empty: your own AWS identity.");
    expect(await requests()).toMatchObject([{ principal: alice }]);
  });

  test("says at its field what fails while it is sent", async () => {
    await withWorker("AWS throttled it.");
    await open();

    const { errors } = await app.person("U0ENGINEER").submit({ Why: "debug the queue", "IAM role or user": " " });

    expect(errors).toEqual({ "principal/0": "AWS throttled it. Or write an ARN." });
  });

  test("says what to do without one", async () => {
    await withWorker({ why: "no-permission-set" });

    expect(textOf(await open())).toContain(
      "you have no permission set in the account of staging. Ask its administrator",
    );
  });
});

test("an emergency in one line asks which of several permission sets by buttons: no one types an ARN at night", async () => {
  await withWorker({ person: person("Admin", "Developer") });
  const asked = await app.say("U0ENGINEER", "break-glass staging checkout is down");

  await app.answered("U0ENGINEER", () => app.person("U0ENGINEER").click(asked, "Run as Developer"));

  expect(textOf(asked)).toContain("Say which identity: Admin or Developer.");
  expect(await requests()).toMatchObject([{ reason: "checkout is down", principal: roleOf("Developer") }]);
});

test("an emergency in one line without an identity has the form as a button, with the cluster and the reason in it", async () => {
  await withWorker({ why: "user-not-found" });
  const answer = await app.say("U0ENGINEER", "break-glass staging checkout is down");

  await app.person("U0ENGINEER").click(answer, "Emergency access");
  const form = await app.slack.until(() => app.person("U0ENGINEER").view());
  await app.person("U0ENGINEER").submit({ "IAM role or user": roleOf("Developer") });

  expect(textOf(form)).toContain("`staging`: `admin`");
  expect(await requests()).toMatchObject([{ reason: "checkout is down", principal: roleOf("Developer") }]);
});

describe("the form of an emergency", () => {
  const open = async () => {
    const engineer = app.person("U0ENGINEER");
    await engineer.click(await app.say("U0ENGINEER", "help"), "Emergency access");
    return app.slack.until(() => engineer.view());
  };

  test("asks a worker if the ledger knows no identity, so that nobody types an ARN at night", async () => {
    await withWorker({ person: person("Developer") });

    const view = await open();
    await app.person("U0ENGINEER").submit({ Why: "checkout is down" });

    expect(textOf(view)).toContain("You on `staging`: `Developer` (alice@example.com)");
    expect(await requests()).toMatchObject([{ level: "admin", principal: roleOf("Developer") }]);
  });

  test("has a menu where there are several, and says there that one is missing", async () => {
    await withWorker({ person: person("Admin", "Developer") });
    await open();

    const { errors } = await app.person("U0ENGINEER").submit({ Why: "checkout is down" });
    await app.person("U0ENGINEER").submit({
      "Your AWS identity on staging": "AWSReservedSSO_Developer_0123456789abcdef",
    });

    expect(errors).toEqual({
      "identity/staging": "Say which identity: Admin or Developer.",
    });
    expect(await requests()).toMatchObject([{ principal: roleOf("Developer") }]);
  });

  test("wants an ARN while no worker finds any, and the typed one works", async () => {
    await withWorker("AWS throttled it.");
    const view = await open();

    await app.person("U0ENGINEER").submit({ Why: "checkout is down", "IAM role or user": engineerArn });

    expect(textOf(view)).toContain(":warning: AWS throttled it.");
    expect(await requests()).toMatchObject([{ principal: engineerArn }]);
  });
});

test("whoami lists what was found, and whoami of a cluster looks", async () => {
  await withWorker({ person: person("Developer") });
  const before = await say("whoami");
  const chain = await say("whoami staging");

  expect(before).toContain("*Your AWS identities* none yet; `/eks-access whoami <cluster>` looks you up on a cluster");
  expect(chain).toContain("*You*");
  expect(await say("whoami")).toContain(`• \`${alice}\` (IAM Identity Center)`);
});
