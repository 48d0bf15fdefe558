/**
 * What modules import and export, read from their syntax trees: also `export … from`, `import()`,
 * types, and the modules of worker threads.
 *
 * Works in tests only, because the runtime offers its parser (that of `deno lint`) nowhere else.
 *
 * @module
 */

/** One import of a module. */
export interface ModuleImport {
  /** As written; {@link COMPUTED_SPECIFIER} where only running the module would tell. */
  readonly specifier: string;
  /** Whether it is gone once types are erased, so that nothing is loaded. */
  readonly isType: boolean;
}

/** One module's dependencies and shape. */
export interface ModuleSyntax {
  /** In order of their place in the module. */
  readonly imports: readonly ModuleImport[];
  /** Whether it consists of named re-exports alone. */
  readonly onlyReexports: boolean;
  /** Whether it declares types and plain constants alone. */
  readonly onlyDeclarations: boolean;
}

/** Stands for a specifier that is computed. */
export const COMPUTED_SPECIFIER = "(computed)";

/** Parses the module `source`; `path` says which language it is and names it in errors. */
export function moduleSyntax(path: string, source: string): ModuleSyntax {
  const imports: ModuleImport[] = [];
  let onlyReexports = true;
  let onlyDeclarations = true;
  const diagnostics = Deno.lint.runPlugin(
    {
      name: "module-syntax",
      rules: {
        collect: {
          create: () => ({
            Program({ body }): void {
              onlyReexports = body.every(isNamedReexport);
              onlyDeclarations = body.every(isPlainDeclaration);
            },
            ImportDeclaration({ source, importKind }): void {
              imports.push({ specifier: source.value, isType: importKind === "type" });
            },
            ExportNamedDeclaration({ source, exportKind }): void {
              if (source === null) return;
              imports.push({ specifier: source.value, isType: exportKind === "type" });
            },
            ExportAllDeclaration({ source, exportKind }): void {
              imports.push({ specifier: source.value, isType: exportKind === "type" });
            },
            ImportExpression({ source }): void {
              imports.push({ specifier: textOf(source) ?? COMPUTED_SPECIFIER, isType: false });
            },
            TSImportType({ argument }): void {
              imports.push({ specifier: textOf(argument) ?? COMPUTED_SPECIFIER, isType: true });
            },
            NewExpression({ callee, arguments: [specifier, base] }): void {
              if (callee.type !== "Identifier" || callee.name !== "URL") return;
              const text = specifier && textOf(specifier);
              // The address of a file beside this one, such as a worker's.
              const isBeside = base?.type === "MemberExpression" &&
                base.object.type === "MetaProperty";
              if (isBeside && text?.endsWith(".ts")) {
                imports.push({ specifier: text.replace(/^(?!\.)/, "./"), isType: false });
              }
            },
          }),
        },
      },
    },
    path,
    source,
  );
  if (diagnostics.length > 0) throw new Error(`Cannot parse ${path}`);
  return { imports, onlyReexports, onlyDeclarations };
}

function textOf(node: Deno.lint.Node): string | undefined {
  if (node.type === "TSLiteralType") return textOf(node.literal);
  return node.type === "Literal" && typeof node.value === "string" ? node.value : undefined;
}

function isNamedReexport(node: Deno.lint.Program["body"][number]): boolean {
  return node.type === "ExportNamedDeclaration" && node.source !== null;
}

function isPlainDeclaration(node: Deno.lint.Node): boolean {
  switch (node.type) {
    case "ImportDeclaration":
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      return true;
    case "ExportNamedDeclaration":
      return node.exportKind === "type" || node.source !== null || node.declaration === null ||
        isPlainDeclaration(node.declaration);
    case "VariableDeclaration":
      return node.declarations.every(({ init }) => init !== null && isPlainValue(init));
    default:
      return false;
  }
}

function isPlainValue(node: Deno.lint.Node): boolean {
  switch (node.type) {
    case "Literal":
    case "Identifier":
      return true;
    case "MemberExpression":
      return isPlainValue(node.object);
    case "UnaryExpression":
      return isPlainValue(node.argument);
    case "BinaryExpression":
      return isPlainValue(node.left) && isPlainValue(node.right);
    case "ArrayExpression":
      return node.elements.every(isPlainValue);
    default:
      return false;
  }
}
