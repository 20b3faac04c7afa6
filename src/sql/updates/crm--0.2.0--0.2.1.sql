\echo Use "ALTER EXTENSION crm UPDATE TO '0.2.1'" to load this file. \quit
