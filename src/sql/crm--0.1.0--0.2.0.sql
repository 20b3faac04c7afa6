\echo Use "ALTER EXTENSION crm UPDATE TO '0.2.0'" to load this file. \quit

