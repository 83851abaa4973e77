/*
 * expression.c
 *	  SQL expressions over a table's row that are evaluated while WAL is decoded.
 *
 * 1. While WAL is decoded only catalogs can be read, as they were then, and an
 *	  error would come again and again with the same change.  So an expression is
 *	  made of what depends on its arguments alone and can't be changed or dropped
 *	  by users: immutable functions, types and collations of PostgreSQL itself.
 *	  A user's type may pass through, unless a function would have to look for
 *	  what belongs to it; enums have no such thing.
 * 2. Columns are the row's own, by name alone: the parser gets them from a hook,
 *	  so no lock is taken on a table that somebody may be altering.
 * 3. Names and literals mean the same in every session: the settings are pinned.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "expression.h"
#include "settings.h"

/* An error's place is one in the expression, not in the statement that asked. */
static void
point_into_text(void *arg)
{
	int			position = geterrposition();

	if (position == 0)
		return;
	errposition(0);
	internalerrposition(position);
	internalerrquery(arg);
}

static Node *
resolve_column(ParseState *pstate, ColumnRef *reference)
{
	TupleDesc	desc = pstate->p_ref_hook_state;

	if (list_length(reference->fields) != 1 || !IsA(linitial(reference->fields), String))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a column must be named by its name alone"),
				 parser_errposition(pstate, reference->location)));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Var		   *var;

		if (attribute->attisdropped ||
			strcmp(NameStr(attribute->attname), strVal(linitial(reference->fields))) != 0)
			continue;
		if (attribute->attgenerated != '\0' && attribute->attgenerated != ATTRIBUTE_GENERATED_STORED)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" is not stored", NameStr(attribute->attname)),
					 parser_errposition(pstate, reference->location)));
		var = makeVar(1, attribute->attnum, attribute->atttypid,
					  attribute->atttypmod, attribute->attcollation, 0);
		var->location = reference->location;
		return (Node *) var;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" does not exist", strVal(linitial(reference->fields))),
			 parser_errposition(pstate, reference->location)));
}

static bool
calls_unfit_function(Oid function, void *context)
{
	return function >= FirstNormalObjectId || func_volatile(function) != PROVOLATILE_IMMUTABLE ||
		get_func_retset(function);
}

/* Would a function that takes any type find nothing of a user's behind this one? */
static bool
is_plain(Oid type)
{
	Oid			element;

	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element))
		return is_plain(element);
	return type < FirstNormalObjectId || get_typtype(type) == TYPTYPE_ENUM;
}

static bool
is_not_plain(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, List))
		return expression_tree_walker(node, is_not_plain, context);
	return !is_plain(exprType(node));
}

static bool
takes_unfit_type(Node *node)
{
	switch (nodeTag(node))
	{
		case T_RowCompareExpr:
			{
				RowCompareExpr *compare = castNode(RowCompareExpr, node);
				ListCell   *cell;

				foreach(cell, list_concat_copy(compare->largs, compare->rargs))
				{
					if (is_not_plain(lfirst(cell), NULL))
						return true;
				}
				return false;
			}
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_MinMaxExpr:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_SubscriptingRef:
			return !is_plain(exprType(node)) ||
				expression_tree_walker(node, is_not_plain, NULL);
		default:
			return false;
	}
}

/* Why the node can't be part of an expression, or NULL. */
static const char *
fault(Node *node)
{
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_RelabelType:
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_BoolExpr:
		case T_CoerceViaIO:
		case T_ArrayCoerceExpr:
		case T_CollateExpr:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_ArrayExpr:
		case T_RowCompareExpr:
		case T_CoalesceExpr:
		case T_MinMaxExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_SubscriptingRef:
		case T_List:
			break;
		case T_SQLValueFunction:
			return "Its value is another one at another time.";
		default:
			return "Allowed are columns, constants, operators, functions, casts, CASE, COALESCE, GREATEST, LEAST, IN, IS NULL and the like.";
	}
	if (IsA(node, List))
		return NULL;
	if (check_functions_in_node(node, calls_unfit_function, NULL))
		return "Functions and operators must be immutable ones of PostgreSQL itself.";
	if (takes_unfit_type(node))
		return "Of user-defined types only enums and domains can be taken by a function.";
	if (!IsA(node, CaseWhen) && (exprCollation(node) >= FirstNormalObjectId ||
								 exprInputCollation(node) >= FirstNormalObjectId) &&
		!IsA(node, Var) && !IsA(node, RelabelType) && !IsA(node, Const))
		return "User-defined collations are not allowed.";
	return NULL;
}

static bool
check_node(Node *node, void *context)
{
	ParseState *pstate = context;
	const char *reason;

	if (node == NULL)
		return false;
	reason = fault(node);
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this can't be evaluated while WAL is decoded"),
				 errdetail_internal("%s", reason),
				 parser_errposition(pstate, exprLocation(node))));
	return expression_tree_walker(node, check_node, context);
}

/* Before it is analyzed: that would lock the tables that it reads. */
static bool
refuse_subquery(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubLink))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a subquery can't be evaluated while WAL is decoded"),
				 parser_errposition(context, castNode(SubLink, node)->location)));
	return raw_expression_tree_walker(node, refuse_subquery, context);
}

/* The grammar of PL/pgSQL's expressions takes what a SELECT may have behind them, too. */
static Node *
read_single(const char *text)
{
	RawStmt    *raw = linitial_node(RawStmt, raw_parser(text, RAW_PARSE_PLPGSQL_EXPR));
	SelectStmt *select = castNode(SelectStmt, raw->stmt);
	ResTarget  *target = select->targetList != NIL ? linitial_node(ResTarget, select->targetList) : NULL;

	if (target == NULL || list_length(select->targetList) != 1 || target->name != NULL ||
		select->distinctClause != NIL || select->fromClause != NIL || select->whereClause != NULL ||
		select->groupClause != NIL || select->havingClause != NULL || select->windowClause != NIL ||
		select->sortClause != NIL || select->limitOffset != NULL || select->limitCount != NULL ||
		select->lockingClause != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("this is not one expression"),
				 errposition(1)));
	return target->val;
}

static Node *
cast_to(ParseState *pstate, Node *expression, Oid type)
{
	Oid			own = exprType(expression);
	Node	   *cast;

	if (!OidIsValid(type))
		type = own == UNKNOWNOID ? TEXTOID : own;
	cast = coerce_to_target_type(pstate, expression, own, type, -1, COERCION_EXPLICIT,
								 COERCE_EXPLICIT_CAST, -1);
	if (cast == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CANNOT_COERCE),
				 errmsg("type %s can't be cast to the column's type, %s",
						format_type_be(own), format_type_be(type)),
				 parser_errposition(pstate, exprLocation(expression))));
	return cast;
}

static Node *
parse(const char *text, TupleDesc desc, bool condition, Oid type)
{
	ErrorContextCallback context = {error_context_stack, point_into_text, unconstify(char *, text)};
	ParseState *pstate = make_parsestate(NULL);
	int			nest_level = NewGUCNestLevel();
	Node	   *expression;

	wf_settings_pin();
	error_context_stack = &context;
	pstate->p_sourcetext = text;
	pstate->p_pre_columnref_hook = resolve_column;
	pstate->p_ref_hook_state = desc;
	expression = read_single(text);
	(void) refuse_subquery(expression, pstate);
	expression = transformExpr(pstate, expression, condition ? EXPR_KIND_WHERE : EXPR_KIND_SELECT_TARGET);
	expression = condition ? coerce_to_boolean(pstate, expression, "WHERE")
		: cast_to(pstate, expression, type);
	assign_expr_collations(pstate, expression);
	(void) check_node(expression, pstate);
	error_context_stack = context.previous;
	free_parsestate(pstate);
	AtEOXact_GUC(false, nest_level);
	return expression;
}

Node *
wf_expression_parse(const char *text, TupleDesc desc, Oid type)
{
	return parse(text, desc, false, type);
}

Node *
wf_expression_parse_condition(const char *text, TupleDesc desc)
{
	return parse(text, desc, true, InvalidOid);
}

typedef struct ColumnCollector
{
	Bitmapset  *columns;
} ColumnCollector;

static bool
collect_column(Node *node, void *context)
{
	ColumnCollector *collector = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
		collector->columns = bms_add_member(collector->columns, castNode(Var, node)->varattno);
	return expression_tree_walker(node, collect_column, context);
}

Bitmapset *
wf_expression_columns(Node *expression, Bitmapset *columns)
{
	ColumnCollector collector = {columns};

	(void) collect_column(expression, &collector);
	return collector.columns;
}
