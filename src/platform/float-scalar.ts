import { GraphQLError, GraphQLFloat } from 'graphql';

/** The double that is exactly this integer. */
const doubleOf = (integer: bigint): number => {
  const double = Number(integer);
  if (Number.isFinite(double) && BigInt(double) === integer) return double;
  const nearest = Number.isFinite(double)
    ? `not a 64-bit float; the nearest is ${double.toExponential()}`
    : 'beyond the largest 64-bit float, 1.7976931348623157e+308';
  throw new GraphQLError(`Float cannot represent ${integer}: it is ${nearest}.`, {
    extensions: { code: 'BAD_USER_INPUT' },
  });
};

const parseNumber = GraphQLFloat.parseValue;

// Bodies are read exactly, so an integer beyond 2^53 in a variable arrives as bigint, also where JavaScript wrote 1e16.
// The built-in scalar takes it for no number at all, and Pothos knows no other `Float`.
GraphQLFloat.parseValue = (value) =>
  parseNumber(typeof value === 'bigint' ? doubleOf(value) : value);
