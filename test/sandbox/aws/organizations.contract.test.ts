import { ListAccountsCommand } from "@aws-sdk/client-organizations";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anAccount, clientsOf, refusalOf } from "./clients.ts";

// Copies: AWS Organizations API Reference, ListAccounts; the model in the SDK's types.

let aws: Awaited<ReturnType<typeof anAccount>>;
const clientsAs = (account: string, allow: readonly string[]) => {
  const name = `reader-${allow.length}`;
  const { arn } = aws.account.addRole({ name, account, allow });
  return clientsOf(aws.url, aws.account.sessionFor(arn, "reader"), "us-east-1").organizations;
};
let management: ReturnType<typeof clientsAs>;

beforeAll(async () => {
  aws = await anAccount();
  management = clientsAs(aws.account.id, ["organizations:ListAccounts"]);
});
afterAll(() => aws.stop());

test("an account in no organization is refused as documented", async () => {
  const refused = await refusalOf(management.send(new ListAccountsCommand({})));

  expect(refused).toMatchObject({ name: "AWSOrganizationsNotInUseException", status: 400 });
});

test("the accounts come page by page, each with its name, its state, and an ARN with the organization", async () => {
  const accounts = Array.from({ length: 21 }, (_, index) => String(200_000_000_000 + index));
  aws.organization.accounts = accounts.map((id) => ({ id, name: `team ${id}`, state: "ACTIVE" }));

  const first = await management.send(new ListAccountsCommand({}));
  const second = await management.send(new ListAccountsCommand({ NextToken: first.NextToken }));

  expect(first.Accounts).toHaveLength(20);
  expect(first.Accounts?.[0]).toMatchObject({
    Id: "200000000000",
    Name: "team 200000000000",
    State: "ACTIVE",
    Arn: `arn:aws:organizations::${aws.account.id}:account/o-exampleorgid/200000000000`,
  });
  expect([second.Accounts?.map(({ Id }) => Id), second.NextToken]).toEqual([["200000000020"], undefined]);
});

test("a member account, an identity without the right, and a wrong token are refused as documented", async () => {
  aws.organization.accounts = [{ id: aws.account.id, name: "main", state: "ACTIVE" }];
  const member = clientsAs("444455556666", ["organizations:ListAccounts"]);
  const powerless = clientsAs(aws.account.id, []);
  const refusedTo = (client: typeof member, input = {}) => refusalOf(client.send(new ListAccountsCommand(input)));

  expect(await refusedTo(member)).toMatchObject({ name: "AccessDeniedException", status: 400 });
  expect(await refusedTo(powerless)).toMatchObject({ name: "AccessDeniedException" });
  expect(await refusedTo(management, { NextToken: "page two" })).toMatchObject({ name: "InvalidInputException" });
  expect(await refusedTo(management, { MaxResults: 21 })).toMatchObject({ name: "InvalidInputException" });
});
