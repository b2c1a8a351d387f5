import { GraphQLError, type ValidationRule } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** What the executor takes for a promise when an answer has it, and fails at. */
const THENABLE = 'then';

const answerNames: ValidationRule = (context) => ({
  Field: (node) => {
    if (node.alias?.value !== THENABLE) return;
    const message = `The alias "${THENABLE}" cannot be answered; choose another.`;
    context.reportError(new GraphQLError(message, { nodes: node.alias }));
  },
});

/** Refuses names that no answer can have. */
export const useAnswerNames = (): Plugin => ({
  onValidate: ({ addValidationRule }) => addValidationRule(answerNames),
});
