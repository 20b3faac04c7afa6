-- points by exact rates, rounded as the program says

@create crm.base_points
@create crm.points_awards
