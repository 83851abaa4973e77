/*
 * ddl_object.c
 *	  What a DDL statement has created, altered and dropped.
 *
 * object_access_hook names the objects; what is dropped must be described at once,
 * what is created only once it is visible.  For some statements there is no hook:
 * their objects are looked up in the parse tree.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "compat.h"
#include "ddl.h"

/* --- where an object belongs ------------------------------------------------ */

/* Objects that are a part of a relation, and the columns of their catalog that say which and of which. */
static const struct
{
	Oid			class;
	AttrNumber	oid;
	AttrNumber	relation;
}			parts[] =
{
	{ConstraintRelationId, Anum_pg_constraint_oid, Anum_pg_constraint_conrelid},
	{TriggerRelationId, Anum_pg_trigger_oid, Anum_pg_trigger_tgrelid},
	{RewriteRelationId, Anum_pg_rewrite_oid, Anum_pg_rewrite_ev_class},
	{PolicyRelationId, Anum_pg_policy_oid, Anum_pg_policy_polrelid},
};

/* InvalidOid if there is no such object, or it is a part of none. */
static Oid
relation_of_part(int part, Oid object)
{
	Relation	catalog = table_open(parts[part].class, AccessShareLock);
	HeapTuple	tuple = get_catalog_object_by_oid(catalog, parts[part].oid, object);
	Oid			found = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		bool		null;

		found = DatumGetObjectId(heap_getattr(tuple, parts[part].relation,
											  RelationGetDescr(catalog), &null));
	}
	table_close(catalog, AccessShareLock);
	return found;
}

/* The table or other relation that an object is, or is a part of, or InvalidOid. */
static Oid
relation_of(const ObjectAddress *address)
{
	if (address->classId == RelationRelationId)
	{
		char		kind = get_rel_relkind(address->objectId);

		if (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX)
			return IndexGetRelation(address->objectId, true);
		return address->objectId;
	}
	for (int i = 0; i < lengthof(parts); i++)
	{
		if (address->classId == parts[i].class)
			return relation_of_part(i, address->objectId);
	}
	return InvalidOid;
}

static void
describe_relation(WfDdlObject *object, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class class;

	if (!HeapTupleIsValid(tuple))
	{
		object->implied = true;
		return;
	}
	class = (Form_pg_class) GETSTRUCT(tuple);
	object->schema = get_namespace_name(class->relnamespace);
	object->name = pstrdup(NameStr(class->relname));
	object->relid = relid;
	object->temporary = class->relpersistence == RELPERSISTENCE_TEMP;

	/* A composite type's relation comes with the type. */
	if (class->relkind == RELKIND_COMPOSITE_TYPE && object->operation == WF_DDL_CREATE)
	{
		if (object->address.objectSubId == 0)
			object->implied = true;
		object->operation = WF_DDL_ALTER;
	}

	/* A rewrite's new file, and what holds large values. */
	if (OidIsValid(class->relrewrite) || class->relkind == RELKIND_TOASTVALUE ||
		IsToastNamespace(class->relnamespace))
		object->implied = true;
	ReleaseSysCache(tuple);
}

/* A table's row type and the arrays of types come with what they are made from. */
static bool
is_implied_type(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	bool		implied;

	if (!HeapTupleIsValid(tuple))
		return true;
	form = (Form_pg_type) GETSTRUCT(tuple);
	implied = (OidIsValid(form->typrelid) &&
			   get_rel_relkind(form->typrelid) != RELKIND_COMPOSITE_TYPE) ||
		OidIsValid(get_element_type(type)) || form->typtype == TYPTYPE_MULTIRANGE;
	ReleaseSysCache(tuple);
	return implied;
}

static void
describe_in_schema(WfDdlObject *object)
{
	Oid			class = object->address.classId;
	int			cache;
	AttrNumber	namespace_column;
	AttrNumber	name_column;
	HeapTuple	tuple;
	Oid			namespace;
	bool		null;

	/* Rows of catalogs that are no objects: an index's, a publication's table. */
	if (!is_objectclass_supported(class))
	{
		object->implied = true;
		return;
	}
	cache = get_object_catcache_oid(class);
	namespace_column = get_object_attnum_namespace(class);
	name_column = get_object_attnum_name(class);
	if (cache < 0 || namespace_column == InvalidAttrNumber ||
		name_column == InvalidAttrNumber)
		return;
	tuple = SearchSysCache1(cache, ObjectIdGetDatum(object->address.objectId));
	if (!HeapTupleIsValid(tuple))
		return;
	namespace = DatumGetObjectId(SysCacheGetAttr(cache, tuple, namespace_column, &null));
	object->schema = get_namespace_name(namespace);
	object->name = pstrdup(NameStr(*DatumGetName(SysCacheGetAttr(cache, tuple, name_column, &null))));
	object->temporary = isAnyTempNamespace(namespace);
	ReleaseSysCache(tuple);
}

/* Whatever schema they are in, statistics are as temporary as their table. */
static bool
is_of_temporary_table(Oid statistics)
{
	HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(statistics));
	bool		temporary;

	if (!HeapTupleIsValid(tuple))
		return false;
	temporary = get_rel_persistence(((Form_pg_statistic_ext) GETSTRUCT(tuple))->stxrelid) == RELPERSISTENCE_TEMP;
	ReleaseSysCache(tuple);
	return temporary;
}

/*
 * Newer majors keep NOT NULL as a constraint with a name.  Whatever the major of
 * the other side, it comes and goes as what it always was: a mark of its column
 * or domain.
 */
static bool
is_not_null(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	bool		not_null;

	if (!HeapTupleIsValid(tuple))
		return false;
	not_null = WF_IS_NOT_NULL(((Form_pg_constraint) GETSTRUCT(tuple))->contype);
	ReleaseSysCache(tuple);
	return not_null;
}

static void
describe_place(WfDdlObject *object)
{
	const ObjectAddress *address = &object->address;
	Oid			relid = relation_of(address);

	if (address->classId == ConstraintRelationId && is_not_null(address->objectId))
	{
		object->implied = true;
		return;
	}
	if (OidIsValid(relid))
	{
		describe_relation(object, relid);
		return;
	}
	switch (address->classId)
	{
		case NamespaceRelationId:
			object->schema = get_namespace_name(address->objectId);
			object->temporary = isAnyTempNamespace(address->objectId);
			break;
		case ConstraintRelationId:	/* of a domain */
			break;
		case TypeRelationId:
			object->implied = is_implied_type(address->objectId);
			describe_in_schema(object);
			break;
		case StatisticExtRelationId:
			describe_in_schema(object);
			object->temporary |= is_of_temporary_table(address->objectId);
			break;
		case DefaultAclRelationId:
			break;
		case AttrDefaultRelationId: /* comes and goes with its column */
		case InheritsRelationId:
			object->implied = true;
			break;
		default:
			describe_in_schema(object);
	}
}

/* A view's query is a rule, of a name that no other can have. */
static bool
is_query_of_view(const WfDdlObject *object)
{
	return object->address.classId == RewriteRelationId && object->names != NIL &&
		strcmp(llast(object->names), "_RETURN") == 0;
}

static void
describe(WfDdl *ddl, WfDdlObject *object)
{
	ObjectAddress *address = &object->address;

	if (object->described)
		return;
	object->described = true;
	describe_place(object);
	if (object->implied)
		return;
	object->needs = wf_ddl_needs(ddl, address, relation_of(address));
	object->type = getObjectTypeDescription(address, true);

	/* What is dropped along with others may refer to what is gone: names will do. */
	if (object->operation == WF_DDL_DROP && object->type != NULL &&
		address->classId != RelationRelationId && address->classId != ConstraintRelationId)
	{
		if (object->schema != NULL)
			object->names = list_make1((void *) object->schema);
		if (object->name != NULL)
			object->names = lappend(object->names, (void *) object->name);
		return;
	}
	object->identity = getObjectIdentityParts(address, &object->names,
											  &object->arguments, true);
	if (object->type == NULL || object->identity == NULL ||
		is_query_of_view(object))
		object->implied = true;
}

/* --- the statement's objects ------------------------------------------------ */

static bool
is_noted(const WfDdl *ddl, WfDdlOperation operation, const ObjectAddress *address)
{
	ListCell   *cell;

	foreach(cell, ddl->objects)
	{
		WfDdlObject *object = lfirst(cell);

		if (object->address.classId == address->classId &&
			object->address.objectId == address->objectId &&
			object->address.objectSubId == address->objectSubId &&
			(object->operation == operation ||
			 (object->operation == WF_DDL_CREATE && operation == WF_DDL_ALTER)))
			return true;
	}
	return false;
}

static WfDdlObject *
add_object(WfDdl *ddl, WfDdlOperation operation, const ObjectAddress *address)
{
	WfDdlObject *object = palloc0(sizeof(WfDdlObject));

	object->operation = operation;
	object->address = *address;
	ddl->objects = lappend(ddl->objects, object);
	return object;
}

void
wf_ddl_note(WfDdl *ddl, WfDdlOperation operation, Oid class, Oid object,
			int subobject, bool internal)
{
	ObjectAddress address;
	MemoryContext caller;

	wf_ddl_note_invalid(ddl);

	/* What the system makes for itself: triggers of foreign keys, a rewrite's new file. */
	if (internal && (class == TriggerRelationId || operation == WF_DDL_DROP))
		return;
	ObjectAddressSubSet(address, class, object, subobject);
	caller = MemoryContextSwitchTo(ddl->context);

	/*
	 * With thousands of objects to drop each stands once anyway; the others may
	 * come again and again.
	 */
	if (operation == WF_DDL_DROP || !is_noted(ddl, operation, &address))
	{
		WfDdlObject *noted = add_object(ddl, operation, &address);

		if (operation == WF_DDL_DROP)
			describe(ddl, noted);
	}
	MemoryContextSwitchTo(caller);
}

static void
add_altered(WfDdl *ddl, const ObjectAddress *address)
{
	if (OidIsValid(address->objectId) && !is_noted(ddl, WF_DDL_ALTER, address))
		add_object(ddl, WF_DDL_ALTER, address);
}

static void
add_relation(WfDdl *ddl, const RangeVar *range)
{
	ObjectAddress address;

	ObjectAddressSet(address, RelationRelationId, RangeVarGetRelid(range, NoLock, true));
	add_altered(ddl, &address);
}

static void
add_named(WfDdl *ddl, ObjectType type, Node *name)
{
	Relation	relation = NULL;
	ObjectAddress address = get_object_address(type, name, &relation,
											   AccessShareLock, true);

	if (relation != NULL)
		relation_close(relation, NoLock);
	add_altered(ddl, &address);
}

static void
add_grant_targets(WfDdl *ddl, const GrantStmt *statement)
{
	ListCell   *cell;

	if (statement->targtype == ACL_TARGET_DEFAULTS)
		return;
	foreach(cell, statement->objects)
	{
		Node	   *target = lfirst(cell);

		if (statement->targtype == ACL_TARGET_ALL_IN_SCHEMA)
			add_named(ddl, OBJECT_SCHEMA, target);
		else if (IsA(target, RangeVar))
			add_relation(ddl, (RangeVar *) target);
		else if (statement->objtype == OBJECT_TYPE || statement->objtype == OBJECT_DOMAIN)
			add_named(ddl, OBJECT_TYPE, (Node *) makeTypeNameFromNameList(castNode(List, target)));
		else if (statement->objtype != OBJECT_LARGEOBJECT &&
				 statement->objtype != OBJECT_PARAMETER_ACL)
			add_named(ddl, statement->objtype, target);
	}
}

/* With what becomes the table's partition, or was one. */
static void
add_altered_table(WfDdl *ddl, const AlterTableStmt *statement)
{
	ListCell   *cell;

	add_relation(ddl, statement->relation);
	foreach(cell, statement->cmds)
	{
		AlterTableCmd *command = lfirst(cell);

		if (command->def != NULL && IsA(command->def, PartitionCmd))
			add_relation(ddl, ((PartitionCmd *) command->def)->name);
	}
}

/* What the hook doesn't tell of. */
static void
add_targets(WfDdl *ddl)
{
	switch (nodeTag(ddl->tree))
	{
		case T_GrantStmt:
			add_grant_targets(ddl, (GrantStmt *) ddl->tree);
			break;
		case T_CommentStmt:
			if (((CommentStmt *) ddl->tree)->objtype != OBJECT_DATABASE)
				add_named(ddl, ((CommentStmt *) ddl->tree)->objtype,
						  ((CommentStmt *) ddl->tree)->object);
			break;
		case T_AlterPublicationStmt:
			add_named(ddl, OBJECT_PUBLICATION,
					  (Node *) makeString(((AlterPublicationStmt *) ddl->tree)->pubname));
			break;
		case T_SecLabelStmt:
			add_named(ddl, ((SecLabelStmt *) ddl->tree)->objtype,
					  ((SecLabelStmt *) ddl->tree)->object);
			break;
		case T_AlterTableStmt:
			add_altered_table(ddl, (AlterTableStmt *) ddl->tree);
			break;
		case T_ClusterStmt:
			add_relation(ddl, ((ClusterStmt *) ddl->tree)->relation);
			break;
		case T_RefreshMatViewStmt:
			add_relation(ddl, ((RefreshMatViewStmt *) ddl->tree)->relation);
			break;
		default:
			break;
	}
}

/*
 * When CREATE INDEX CONCURRENTLY has made its index, it holds no lock any more: others
 * may have given the index or its table another name, or have dropped them.  They come before this
 * statement then, and who comes now waits for its commit.
 */
static void
lock_created_indexes(WfDdl *ddl)
{
	List	   *objects = ddl->objects;
	ListCell   *cell;

	ddl->objects = NIL;
	foreach(cell, objects)
	{
		const ObjectAddress *address = &((WfDdlObject *) lfirst(cell))->address;
		Oid			table = address->classId == RelationRelationId
			? IndexGetRelation(address->objectId, true) : InvalidOid;

		if (OidIsValid(table))
		{
			LockRelationOid(table, ShareUpdateExclusiveLock);
			LockRelationOid(address->objectId, ShareUpdateExclusiveLock);
		}
		if (address->classId != RelationRelationId ||
			SearchSysCacheExists1(RELOID, ObjectIdGetDatum(address->objectId)))
			ddl->objects = lappend(ddl->objects, lfirst(cell));
	}
}

void
wf_ddl_describe(WfDdl *ddl)
{
	ListCell   *cell;

	add_targets(ddl);
	if (IsA(ddl->tree, IndexStmt) && ((IndexStmt *) ddl->tree)->concurrent)
		lock_created_indexes(ddl);
	foreach(cell, ddl->objects)
		describe(ddl, lfirst(cell));
}

/* --- former names ----------------------------------------------------------- */

static List *
former_name(const RangeVar *range)
{
	Oid			relid = range != NULL ? RangeVarGetRelid(range, NoLock, true) : InvalidOid;

	return OidIsValid(relid) ? wf_ddl_name_of(relid) : NIL;
}

void
wf_ddl_note_former(WfDdl *ddl)
{
	if (IsA(ddl->tree, AlterObjectSchemaStmt))
		ddl->former = former_name(((AlterObjectSchemaStmt *) ddl->tree)->relation);
	else if (IsA(ddl->tree, RenameStmt))
	{
		RenameStmt *statement = (RenameStmt *) ddl->tree;

		ddl->former = statement->renameType == OBJECT_SCHEMA
			? list_make2(statement->subname, "") : former_name(statement->relation);
	}
}

/* --- lists ------------------------------------------------------------------ */

static void
add_item(WfDdl *ddl, const ObjectAddress *address)
{
	WfDdlObject object = {.operation = WF_DDL_ALTER,.address = *address};
	WfDdlItem  *item = palloc0(sizeof(WfDdlItem));

	describe(ddl, &object);
	item->needs = object.needs;
	item->schema = object.schema;
	item->name = object.name;
	item->temporary = object.temporary;
	item->text = object.identity;
	if (item->text != NULL)
		ddl->list_items = lappend(ddl->list_items, item);
}

/*
 * Kinds whose DROP takes a list and whose identity is what DROP takes.  The others
 * are dropped one at a time, or are no part of a schema.
 */
static bool
is_droppable_list(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_INDEX:
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
		case OBJECT_COLLATION:
		case OBJECT_CONVERSION:
		case OBJECT_STATISTIC_EXT:
		case OBJECT_TSPARSER:
		case OBJECT_TSDICTIONARY:
		case OBJECT_TSTEMPLATE:
		case OBJECT_TSCONFIGURATION:
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_AGGREGATE:
			return true;
		default:
			return false;
	}
}

static bool
is_relation_type(ObjectType type)
{
	return type == OBJECT_TABLE || type == OBJECT_SEQUENCE || type == OBJECT_VIEW ||
		type == OBJECT_MATVIEW || type == OBJECT_INDEX;
}

static void
list_dropped(WfDdl *ddl, const DropStmt *statement)
{
	ListCell   *cell;

	if (list_length(statement->objects) < 2 || statement->concurrent ||
		!is_droppable_list(statement->removeType))
		return;
	ddl->list_prefix = psprintf("%s %s", GetCommandTagName(ddl->tag),
								statement->missing_ok ? "IF EXISTS " : "");
	ddl->list_suffix = statement->behavior == DROP_CASCADE ? " CASCADE" : "";
	foreach(cell, statement->objects)
	{
		Relation	relation = NULL;

		/* As DROP takes it; on relations it takes its own, and must not have to wait for others who hold a weaker one. */
		LOCKMODE	lock = is_relation_type(statement->removeType) ? NoLock : AccessExclusiveLock;
		ObjectAddress address = get_object_address(statement->removeType, lfirst(cell),
												   &relation, lock, true);

		if (relation != NULL)
			relation_close(relation, NoLock);
		if (OidIsValid(address.objectId))
			add_item(ddl, &address);
	}
}

/* The word that ends the list of a GRANT or REVOKE: the first such word behind its last name. */
static const char *
end_of_grant_list(const char *from, bool grant)
{
	const char *word = grant ? "to" : "from";
	size_t		length = strlen(word);
	bool		quoted = false;

	for (const char *at = from; *at != '\0'; at++)
	{
		if (*at == '"')
			quoted = !quoted;
		else if (!quoted && isspace((unsigned char) at[0]) &&
				 pg_strncasecmp(at + 1, word, length) == 0 &&
				 isspace((unsigned char) at[1 + length]))
			return at;
	}
	return NULL;
}

static void
list_granted(WfDdl *ddl, const GrantStmt *statement)
{
	int			length = strlen(ddl->text);
	ListCell   *cell;
	int			first = -1;
	int			last = -1;

	if (statement->targtype != ACL_TARGET_OBJECT || list_length(statement->objects) < 2 ||
		!IsA(linitial(statement->objects), RangeVar))
		return;
	foreach(cell, statement->objects)
	{
		RangeVar   *range = lfirst(cell);
		Oid			relid = RangeVarGetRelid(range, NoLock, true);
		int			at = range->location - ddl->text_offset;
		ObjectAddress address;

		if (!OidIsValid(relid) || at < 0 || at >= length)
		{
			ddl->list_items = NIL;
			return;
		}
		first = first < 0 ? at : Min(first, at);
		last = Max(last, at);
		ObjectAddressSet(address, RelationRelationId, relid);
		add_item(ddl, &address);
	}
	ddl->list_suffix = end_of_grant_list(ddl->text + last, statement->is_grant);
	if (ddl->list_suffix == NULL)
		ddl->list_items = NIL;
	ddl->list_prefix = pnstrdup(ddl->text, first);
}

void
wf_ddl_list_items(WfDdl *ddl)
{
	if (IsA(ddl->tree, DropStmt))
		list_dropped(ddl, (DropStmt *) ddl->tree);
	else if (IsA(ddl->tree, GrantStmt))
		list_granted(ddl, (GrantStmt *) ddl->tree);
}
