// Read HOST PORT: as read.py does, with JDBC.
import java.sql.*;
import java.util.Scanner;

class Read {
	public static void main(String[] arguments) throws SQLException {
		String url = "jdbc:postgresql://" + arguments[0] + ":" + arguments[1] + "/shop?user=postgres";
		try (Connection db = DriverManager.getConnection(url); Scanner views = new Scanner(System.in)) {
			while (views.hasNext()) {
				String view = views.next();
				ResultSet rows = db.createStatement().executeQuery("SELECT * FROM " + view);
				int columns = rows.getMetaData().getColumnCount(), count = 0, values = 0;
				for (; rows.next(); count++)
					for (int i = 1; i <= columns; i++)
						if (rows.getObject(i) != null)
							values++;
				System.out.println(view + " " + columns + " " + count + " " + values);
			}
			System.out.println("version " + db.getMetaData().getDriverVersion());
		}
	}
}
