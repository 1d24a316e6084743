/**
 * Just enough of JSON Schema to hold spec/vectors/schema.json against the vectors.
 *
 * Lives here: type, enum, pattern, minimum, properties, required, additionalProperties, items,
 * anyOf and $ref into `$defs`. Does not live here: the schema itself (spec/vectors/schema.json).
 *
 * Invariant: a keyword that is not known here throws, so that no schema says more than is checked.
 */

export interface Schema {
  $schema?: string, title?: string, description?: string
  type?: string, enum?: unknown[], pattern?: string, minimum?: number
  properties?: Record<string, Schema>, required?: string[], additionalProperties?: boolean | Schema
  items?: Schema, anyOf?: Schema[], $ref?: string, $defs?: Record<string, Schema>
}

const KNOWN = new Set(['$schema', 'title', 'description', 'type', 'enum', 'pattern', 'minimum',
  'properties', 'required', 'additionalProperties', 'items', 'anyOf', '$ref', '$defs'])

/** Where a value is not as the schema says; empty when it is. */
export function misfits(value: unknown, schema: Schema, root = schema, at = '$'): string[] {
  const unknown = Object.keys(schema).find((key) => !KNOWN.has(key))
  if (unknown !== undefined) throw new Error(`the schema uses ${unknown}, which nobody checks`)
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')]
    if (target === undefined) throw new Error(`the schema has no ${schema.$ref}`)
    return misfits(value, target, root, at)
  }
  if (schema.anyOf !== undefined) {
    const tries = schema.anyOf.map((one) => misfits(value, one, root, at))
    return tries.some((found) => found.length === 0) ? [] : tries.flat()
  }
  if (schema.type !== undefined && type_of(value) !== schema.type) {
    return [`${at} is ${type_of(value)}, not ${schema.type}`]
  }
  if (schema.enum?.includes(value) === false) return [`${at} is none of its kind`]
  if (typeof value === 'string') return text_misfits(value, schema, at)
  if (typeof value === 'number') {
    return value < (schema.minimum ?? value) ? [`${at} is below ${schema.minimum}`] : []
  }
  if (Array.isArray(value)) {
    return value.flatMap((one, nth) => schema.items === undefined ? []
      : misfits(one, schema.items, root, `${at}[${nth}]`))
  }
  return value !== null && typeof value === 'object'
    ? object_misfits(value as Record<string, unknown>, schema, root, at) : []
}

function text_misfits(value: string, schema: Schema, at: string): string[] {
  const fits = schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value)
  return fits ? [] : [`${at} does not match ${schema.pattern}`]
}

function object_misfits(value: Record<string, unknown>, schema: Schema, root: Schema,
  at: string): string[] {
  const missing = (schema.required ?? []).filter((key) => !(key in value))
    .map((key) => `${at} has no ${key}`)
  return [...missing, ...Object.entries(value).flatMap(([key, one]) => {
    const known = schema.properties?.[key]
    if (known !== undefined) return misfits(one, known, root, `${at}.${key}`)
    const rest = schema.additionalProperties ?? true
    if (rest === false) return [`${at} has ${key}, which is not in the schema`]
    return rest === true ? [] : misfits(one, rest, root, `${at}.${key}`)
  })]
}

function type_of(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (value === null) return 'null'
  return Number.isInteger(value) ? 'integer' : typeof value
}
