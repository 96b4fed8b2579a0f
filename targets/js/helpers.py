"""JavaScript functions that kernels may call: conversions and integer operations that the language lacks."""

HELPERS = {
    "toInt32": """\
function toInt32(x) {
  return x >= 2147483647 ? 2147483647 : x <= -2147483648 ? -2147483648 : x | 0;
}""",
    "toUint32": """\
function toUint32(x) {
  return x >= 4294967295 ? -1 : x > 0 ? x | 0 : 0;
}""",
    "toInt64": """\
function toInt64(x) {
  if (x >= 9223372036854775807) return 9223372036854775807n;
  return x <= -9223372036854775808 ? -9223372036854775808n : BigInt(Math.trunc(x) || 0);
}""",
    "toUint64": """\
function toUint64(x) {
  return x >= 18446744073709551615 ? -1n : x > 0 ? BigInt.asIntN(64, BigInt(Math.trunc(x))) : 0n;
}""",
    "divide64": """\
function divide64(a, b) {
  return b === 0n ? 0n : BigInt.asIntN(64, a / b);
}""",
    "remainder64": """\
function remainder64(a, b) {
  return b === 0n ? 0n : BigInt.asIntN(64, a % b);
}""",
    "maximum64": """\
function maximum64(a, b) {
  return a > b ? a : b;
}""",
    "minimum64": """\
function minimum64(a, b) {
  return a < b ? a : b;
}""",
    "maxnum": """\
function maxnum(a, b) {
  return a !== a ? b : b !== b ? a : Math.max(a, b);
}""",
    "minnum": """\
function minnum(a, b) {
  return a !== a ? b : b !== b ? a : Math.min(a, b);
}""",
    "power": """\
function power(x, y) {
  return x === 1 ? 1 : Math.pow(x, y);
}""",
    "roundEven": """\
function roundEven(x) {
  const whole = Math.floor(x), rest = x - whole;
  return rest < 0.5 || (rest === 0.5 && whole % 2 === 0) ? whole : rest >= 0.5 ? whole + 1 : x;
}""",
    "roundAway": """\
function roundAway(x) {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
}""",
    "bitCount": """\
function bitCount(x) {
  let count = 0;
  for (let rest = x >>> 0; rest; rest &= rest - 1) count++;
  return count;
}""",
    "floatBits": """\
function floatBits(x) {
  floatView[0] = x;
  return intView[0];
}""",
    "bitsFloat": """\
function bitsFloat(x) {
  intView[0] = x;
  return floatView[0];
}""",
    "doubleBits": """\
function doubleBits(x) {
  doubleView[0] = x;
  return longView[0];
}""",
    "bitsDouble": """\
function bitsDouble(x) {
  longView[0] = x;
  return doubleView[0];
}""",
    "halfToNumber": """\
function halfToNumber(half) {
  const exponent = (half >> 10) & 31, fraction = half & 1023, sign = half & 32768 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}""",
    "numberToHalf": """\
function numberToHalf(x) {
  const magnitude = Math.abs(x), sign = x < 0 || Object.is(x, -0) ? 32768 : 0;
  if (x !== x) return 32256;
  if (magnitude >= 65520) return sign | 31744;
  floatView[0] = magnitude;
  const unit = magnitude < 2 ** -14 ? -24 : (intView[0] >> 23) - 137;
  const steps = roundEven(magnitude * 2 ** -unit);
  return sign | (unit === -24 ? steps : steps + (unit + 24) * 1024);
}""",
    "brainToNumber": """\
function brainToNumber(brain) {
  intView[0] = brain << 16;
  return floatView[0];
}""",
    "numberToBrain": """\
function numberToBrain(x) {
  if (x !== x) return 32704;
  floatView[0] = x;
  return (intView[0] + 32767 + ((intView[0] >>> 16) & 1)) >>> 16;
}""",
}
"""Name -> definition; one may call those above it, or `roundEven`, and use the views below."""

VIEWS = """\
const floatView = new Float32Array(1), intView = new Int32Array(floatView.buffer);
const doubleView = new Float64Array(1), longView = new BigInt64Array(doubleView.buffer);"""


def helpers_for(text: str) -> list[str]:
    """The definitions that a text needs, with those that they need in turn."""
    found: dict[str, str] = {}
    grown = True
    while grown:
        grown = False
        for name, definition in HELPERS.items():
            if name not in found and f"{name}(" in text:
                found[name] = definition
                text += definition
                grown = True
    views = [VIEWS] if "View[" in text else []
    return [*views, *(definition for name, definition in HELPERS.items() if name in found)]
