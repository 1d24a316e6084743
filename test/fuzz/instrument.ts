/**
 * The core's sources with a counter at each statement and each arm of a branch.
 *
 * Lives here: where counters go, and which line each stands for. Does not live here: compiling and
 * reading them (coverage.ts).
 *
 * A counter is one byte of memory below everything else; `store<u8>(n, 1)` sets it. A line counts
 * as covered when every statement that begins on it has run; arms are those of `if` (with the one
 * that is not written), loops, `?:`, and the right sides of `&&` and `||`.
 */
import ts from 'typescript'

export interface Counter { file: string, line: number, kind: 'statement' | 'arm' }

/** Address of the first counter: an address of 0 is nothing, as anywhere. */
export const COUNTERS_FROM = 1024

interface Insert { at: number, text: string, closes: boolean, order: number }

class Instrumenter {
  private readonly source: ts.SourceFile
  private readonly file: string
  private readonly counters: Counter[]
  private readonly inserts: Insert[] = []

  constructor(file: string, text: string, counters: Counter[]) {
    this.file = file
    this.counters = counters
    this.source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  }

  private count(node: ts.Node, kind: Counter['kind']): string {
    const line = this.source.getLineAndCharacterOfPosition(node.getStart()).line + 1
    this.counters.push({ file: this.file, line, kind })
    return `store<u8>(${COUNTERS_FROM + this.counters.length - 1}, 1)`
  }

  private open(at: number, text: string): void {
    this.inserts.push({ at, text, closes: false, order: this.inserts.length })
  }

  private close(at: number, text: string): void {
    this.inserts.push({ at, text, closes: true, order: this.inserts.length })
  }

  /** An arm that is a statement: a block gets its counter inside, another becomes a block. */
  private arm(node: ts.Statement): void {
    const counter = this.count(node, 'arm')
    if (ts.isBlock(node)) {
      this.open(node.getStart() + 1, ` ${counter};`)
      this.visit(node)
      return
    }
    this.open(node.getStart(), `{ ${counter}; `)
    this.statement(node)
    this.close(node.end, ' }')
  }

  private expression_arm(node: ts.Expression): void {
    this.open(node.getStart(), `(${this.count(node, 'arm')}, `)
    this.visit(node)
    this.close(node.end, ')')
  }

  private statement(node: ts.Statement): void {
    this.open(node.getStart(), `${this.count(node, 'statement')}; `)
    this.visit(node)
  }

  private branch(node: ts.IfStatement): void {
    this.visit(node.expression)
    this.arm(node.thenStatement)
    if (node.elseStatement !== undefined) this.arm(node.elseStatement)
    else this.close(node.end, ` else { ${this.count(node, 'arm')}; }`)
  }

  private visit(node: ts.Node): void {
    if (ts.isBlock(node)) for (const one of node.statements) this.statement(one)
    else if (ts.isCaseClause(node) || ts.isDefaultClause(node)) {
      for (const one of node.statements) this.statement(one)
    } else if (ts.isIfStatement(node)) this.branch(node)
    else if (ts.isWhileStatement(node) || ts.isForStatement(node) || ts.isDoStatement(node)) {
      ts.forEachChild(node, (child) => {
        if (child === node.statement) this.arm(node.statement)
        else this.visit(child)
      })
    } else if (ts.isConditionalExpression(node)) {
      this.visit(node.condition)
      this.expression_arm(node.whenTrue)
      this.expression_arm(node.whenFalse)
    } else if (ts.isBinaryExpression(node) && (
      node.operatorToken.kind === ts.SyntaxKind.AmpersandAmpersandToken ||
      node.operatorToken.kind === ts.SyntaxKind.BarBarToken)) {
      this.visit(node.left)
      this.expression_arm(node.right)
    } else ts.forEachChild(node, (child) => this.visit(child))
  }

  text(): string {
    for (const node of this.source.statements) {
      if (ts.isFunctionDeclaration(node) && node.body !== undefined) this.visit(node.body)
    }
    // At one place closings come first, the inner one before the outer.
    this.inserts.sort((a, b) => a.at - b.at || Number(b.closes) - Number(a.closes) ||
      a.order - b.order)
    let text = ''
    let at = 0
    for (const insert of this.inserts) {
      text += this.source.text.slice(at, insert.at) + insert.text
      at = insert.at
    }
    return text + this.source.text.slice(at)
  }
}

/** The instrumented text of a file; its counters are added to `counters`. */
export function instrument(file: string, text: string, counters: Counter[]): string {
  return new Instrumenter(file, text, counters).text()
}
