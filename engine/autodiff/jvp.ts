/** Forward-mode differentiation, made of reverse mode twice. */
import { reduceSum } from "../onnx/linear.ts";
import { mul } from "../onnx/elementwise.ts";
import type { Value } from "../onnx/value.ts";
import { gradient } from "./gradient.ts";
import { zerosOf } from "./vjp_rules.ts";

/**
 * The directional derivative (∂output/∂input) · tangent, of the output's shape.
 *
 * The vector-Jacobian product uᵀ ∂output/∂input is linear in u, so its own derivative with respect to u, taken along the tangent, is
 * the Jacobian-vector product; u itself never enters. Source: Townsend, "A new trick for calculating Jacobian vector products", 2017.
 *
 * @param tangent Of the input's shape.
 */
export function jvp(output: Value, input: Value, tangent: Value): Value {
  const u = zerosOf(output);
  const [product] = gradient(output, [input], u);
  const [derivative] = product === undefined ? [] : gradient(reduceSum(mul(product, tangent)), [u]);
  if (derivative === undefined) throw new Error("Internal: gradient() answered too few values");
  return derivative;
}
