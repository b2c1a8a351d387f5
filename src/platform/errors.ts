import { builder } from './builder.ts';

/** An expected failure that a caller can act on; a mutation declares the ones it returns. */
export abstract class UserError extends Error {
  /** Path to the offending input field; null when no single field is at fault. */
  readonly path: readonly string[] | null;
  constructor(message: string, path: readonly string[] | null = null) {
    super(message);
    this.path = path;
  }
}

export interface InputIssue {
  readonly message: string;
  readonly path: readonly string[];
}

/** The input breaks rules that the schema cannot express; every issue found is listed. */
export class InvalidInputError extends UserError {
  override readonly name = 'InvalidInputError';
  readonly issues: readonly InputIssue[];
  constructor(issues: readonly [InputIssue, ...InputIssue[]]) {
    super(issues[0].message, issues[0].path);
    this.issues = issues;
  }
}

/** Something the input refers to does not exist. */
export class NotFoundError extends UserError {
  override readonly name = 'NotFoundError';
}

/** Throws `InvalidInputError` when there are issues. */
export const assertNoIssues = (issues: readonly InputIssue[]): void => {
  const [first, ...rest] = issues;
  if (first !== undefined) throw new InvalidInputError([first, ...rest]);
};

export const UserErrorInterface = builder.interfaceRef<UserError>('UserError').implement({
  description:
    "An expected failure that a caller can act on. Unexpected failures appear in the response's `errors` with `extensions.code` instead.",
  fields: (t) => ({
    message: t.exposeString('message', {
      description: 'What went wrong and how to correct it, in English.',
    }),
    path: t.exposeStringList('path', {
      nullable: true,
      description:
        'Path to the offending input field, such as `["input", "features", "0"]`; null when no single field is at fault.',
    }),
  }),
});

const InputIssueRef = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'One broken rule.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'What is wrong, and how to correct it.' }),
    path: t.exposeStringList('path', { description: 'Path to the input field.' }),
  }),
});

builder.objectType(InvalidInputError, {
  name: 'InvalidInputError',
  description: 'The input breaks a rule that the schema cannot express. Nothing was written.',
  interfaces: [UserErrorInterface],
  fields: (t) => ({
    issues: t.field({
      type: [InputIssueRef],
      description: 'Every issue found.',
      resolve: (error) => [...error.issues],
    }),
  }),
});

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: 'Something the input refers to does not exist. Nothing was written.',
  interfaces: [UserErrorInterface],
});
