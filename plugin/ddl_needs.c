/*
 * ddl_needs.c
 *	  Without which relations an object can't be.
 *
 * A task that has not selected one of them can't have the object either: a view
 * without what it reads, a foreign key without the table that it points to.  So what
 * a statement says about such an object is not for it.
 *
 * A view is known by its query, a rule that is dropped before the view itself: what
 * it needs is kept from then on.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "rewrite/rewriteSupport.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "ddl.h"

typedef struct ViewNeeds
{
	Oid			view;
	List	   *needs;
} ViewNeeds;

static bool
is_view(Oid relid)
{
	char		kind = get_rel_relkind(relid);

	return kind == RELKIND_VIEW || kind == RELKIND_MATVIEW;
}

/* The relation that a dependency leads to, or InvalidOid. */
static Oid
referenced_relation(const FormData_pg_depend *depend)
{
	Oid			table;
	int32		column;
	Oid			element;

	switch (depend->refclassid)
	{
		case RelationRelationId:
			if (get_rel_relkind(depend->refobjid) != RELKIND_SEQUENCE)
				return depend->refobjid;
			/* A serial's sequence comes with its table. */
			if (sequenceIsOwned(depend->refobjid, DEPENDENCY_AUTO, &table, &column) ||
				sequenceIsOwned(depend->refobjid, DEPENDENCY_INTERNAL, &table, &column))
				return table;
			return depend->refobjid;
		case TypeRelationId:
			element = get_element_type(depend->refobjid);
			return get_typ_typrelid(OidIsValid(element) ? element : depend->refobjid);
		default:
			return InvalidOid;
	}
}

static bool
is_needed(Oid relid)
{
	switch (get_rel_relkind(relid))
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
		case RELKIND_SEQUENCE:
			return true;
		default:
			return false;
	}
}

/* Adds the relations that an object refers to itself. */
static List *
add_referenced(List *relids, Oid class, Oid object)
{
	Relation	catalog = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(class));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	scan = systable_beginscan(catalog, DependDependerIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			relid = referenced_relation((Form_pg_depend) GETSTRUCT(tuple));

		if (OidIsValid(relid) && is_needed(relid))
			relids = list_append_unique_oid(relids, relid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return relids;
}

static List *
add_referenced_by_view(List *relids, Oid view)
{
	Oid			rule = get_rewrite_oid(view, ViewSelectRuleName, true);

	return OidIsValid(rule) ? add_referenced(relids, RewriteRelationId, rule) : relids;
}

/* Through the views among them, to the tables; own is left out. */
static List *
names_of_all(List *relids, Oid own)
{
	List	   *names = NIL;

	for (int i = 0; i < list_length(relids); i++)
	{
		Oid			relid = list_nth_oid(relids, i);

		if (relid == own)
			continue;
		if (is_view(relid))
			relids = add_referenced_by_view(relids, relid);
		names = wf_ddl_add_names(names, wf_ddl_name_of(relid));
	}
	return names;
}

static List *
needs_of_view(WfDdl *ddl, Oid view)
{
	ViewNeeds  *known;
	ListCell   *cell;

	foreach(cell, ddl->view_needs)
	{
		known = lfirst(cell);
		if (known->view == view)
			return known->needs;
	}
	known = palloc(sizeof(ViewNeeds));
	known->view = view;
	known->needs = names_of_all(add_referenced_by_view(NIL, view), view);
	ddl->view_needs = lappend(ddl->view_needs, known);
	return known->needs;
}

List *
wf_ddl_needs(WfDdl *ddl, const ObjectAddress *address, Oid own_relation)
{
	List	   *needs = NIL;

	if (OidIsValid(own_relation) && is_view(own_relation))
		needs = list_copy(needs_of_view(ddl, own_relation));
	switch (address->classId)
	{
		case AttrDefaultRelationId:
		case RewriteRelationId:
		case ConstraintRelationId:
		case TriggerRelationId:
		case PolicyRelationId:
		case ProcedureRelationId:
			return wf_ddl_add_names(needs, names_of_all(add_referenced(NIL, address->classId,
																		   address->objectId),
														own_relation));
		default:
			return needs;
	}
}

List *
wf_ddl_name_of(Oid relid)
{
	if (relid < FirstNormalObjectId || get_rel_name(relid) == NULL ||
		get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return NIL;
	return list_make2(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
}

List *
wf_ddl_add_names(List *names, List *more)
{
	for (int i = 0; i < list_length(more); i += 2)
	{
		bool		known = false;

		for (int j = 0; j < list_length(names) && !known; j += 2)
			known = strcmp(list_nth(names, j), list_nth(more, i)) == 0 &&
				strcmp(list_nth(names, j + 1), list_nth(more, i + 1)) == 0;
		if (!known)
			names = lappend(lappend(names, list_nth(more, i)), list_nth(more, i + 1));
	}
	return names;
}
