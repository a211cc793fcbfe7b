// What the grammar's wasm gives to the outside: one call that parses a text and lays its tree into memory, flat and in
// the order of the text, so that the host reads it in one go.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_powershell(void);

#define EXPORT(name) __attribute__((export_name(#name)))

enum { NAMED = 1, ERROR = 2, MISSING = 4, EXTRA = 8 };

typedef struct {
  uint32_t symbol, flags, start, end, children;
} Node;

typedef struct {
  Node *nodes;
  uint32_t count, room;
} List;

static Node *add(List *list) {
  if (list->count == list->room) {
    list->room = list->room ? 2 * list->room : 4096;
    list->nodes = realloc(list->nodes, list->room * sizeof(Node));
    if (!list->nodes) abort();
  }
  return &list->nodes[list->count++];
}

static void walk(TSTreeCursor *cursor, List *list) {
  TSNode node = ts_tree_cursor_current_node(cursor);
  Node *to = add(list);
  to->symbol = ts_node_symbol(node);
  to->flags = (ts_node_is_named(node) ? NAMED : 0) | (ts_node_is_error(node) ? ERROR : 0) |
              (ts_node_is_missing(node) ? MISSING : 0) | (ts_node_is_extra(node) ? EXTRA : 0);
  to->start = ts_node_start_byte(node);
  to->end = ts_node_end_byte(node);
  to->children = ts_node_child_count(node);
  if (!ts_tree_cursor_goto_first_child(cursor)) return;
  do walk(cursor, list);
  while (ts_tree_cursor_goto_next_sibling(cursor));
  ts_tree_cursor_goto_parent(cursor);
}

EXPORT(room) void *room(uint32_t size) { return malloc(size); }
EXPORT(give) void give(void *memory) { free(memory); }

// parse returns the nodes, which the caller gives back, and their number in the upper half.
EXPORT(parse) uint64_t parse(const char *text, uint32_t length) {
  TSParser *parser = ts_parser_new();
  if (!ts_parser_set_language(parser, tree_sitter_powershell())) abort();
  TSTree *tree = ts_parser_parse_string_encoding(parser, NULL, text, length, TSInputEncodingUTF8);
  TSTreeCursor cursor = ts_tree_cursor_new(ts_tree_root_node(tree));
  List list = {0};
  walk(&cursor, &list);
  ts_tree_cursor_delete(&cursor);
  ts_tree_delete(tree);
  ts_parser_delete(parser);
  return (uint64_t)list.count << 32 | (uint32_t)(uintptr_t)list.nodes;
}

// name returns the name of a symbol, ended by a zero byte.
EXPORT(name) const char *name(uint32_t symbol) {
  return ts_language_symbol_name(tree_sitter_powershell(), (TSSymbol)symbol);
}
