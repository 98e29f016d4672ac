import { type CollectionTag, isSeq, parse, Scalar, type ScalarTag, type YAMLSeq } from "yaml";
import { z } from "zod";

const template = z.strictObject({
  AWSTemplateFormatVersion: z.literal("2010-09-09"),
  Description: z.string(),
  Parameters: z.record(
    z.string(),
    z.strictObject({
      Type: z.enum(["String", "CommaDelimitedList"]),
      Description: z.string().optional(),
      Default: z.string().optional(),
      AllowedPattern: z.string().optional(),
    }),
  ),
  Conditions: z.strictObject({ HasRescue: z.boolean() }),
  Resources: z.strictObject({
    RescuePolicy: z.strictObject({
      Type: z.literal("AWS::IAM::RolePolicy"),
      Condition: z.literal("HasRescue"),
      Properties: z.strictObject({ RoleName: z.string(), PolicyName: z.string(), PolicyDocument: z.unknown() }),
    }),
    Role: z.strictObject({
      Type: z.literal("AWS::IAM::Role"),
      Properties: z.strictObject({
        RoleName: z.string(),
        Description: z.string(),
        MaxSessionDuration: z.number(),
        AssumeRolePolicyDocument: z.unknown(),
        Policies: z.array(z.strictObject({ PolicyName: z.string(), PolicyDocument: z.unknown() })),
      }),
    }),
  }),
  Outputs: z.record(z.string(), z.strictObject({ Description: z.string(), Value: z.string() })),
});

type Template = z.output<typeof template>;

/** The template of an account's role, as CloudFormation resolves it. @param meaningOf of a parameter, or of the stack */
export function readTemplate(text: string, meaningOf: (name: string) => string | readonly string[]): Template {
  const tag = (name: string, resolve: (of: string) => unknown): ScalarTag => ({ tag: `!${name}`, resolve });
  const items = (sequence: YAMLSeq): unknown[] => sequence.toJSON();
  const customTags = [
    listTag("Equals", (list) => items(list)[0] === items(list)[1]),
    listTag("Not", (list) => items(list)[0] !== true),
    tag("Ref", meaningOf),
    tag("Sub", (of) => of.replaceAll(/\$\{([^}]+)\}/g, (_, name: string) => String(meaningOf(name)))),
    tag("GetAtt", (of) => `attribute ${of}`),
  ];
  return template.parse(parse(text, { customTags }));
}

function listTag(name: string, resolve: (list: YAMLSeq) => unknown): CollectionTag {
  return { tag: `!${name}`, collection: "seq", resolve: (list) => new Scalar(isSeq(list) && resolve(list)) };
}

type Role = Template["Resources"]["Role"]["Properties"];

/** The role that the template makes in each account with the defaults of its parameters. It is read once, because that takes long. */
export function rolesOf(text: string): (account: string) => Role {
  const { Parameters } = readTemplate(text, () => "");
  const ofStack: Readonly<Record<string, string>> = { "AWS::Partition": "aws", "AWS::AccountId": "{account}" };
  const { Properties } = readTemplate(text, (name) => {
    const { Type, Default = "" } = Parameters[name] ?? { Type: "String", Default: ofStack[name] };
    return Type === "String" ? Default : Default.split(",").filter((each) => each !== "");
  }).Resources.Role;
  const role = JSON.stringify(Properties);
  return (account) => JSON.parse(role.replaceAll("{account}", account)) as Role;
}
